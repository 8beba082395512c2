#include "server/service/stream_events.h"

#include <string>

#include "engine/program/struct_json.h"
#include "server/service/usage_proto.h"

namespace dspex {

namespace {

// FieldPart and FieldCompleted.
template <typename Message>
absl::Status SetValue(const Json& value, bool as_json, Message& message) {
  if (!as_json) return ValueFromJson(value, *message.mutable_value());
  message.set_value_json(JsonText(value));
  return absl::OkStatus();
}

// One overload for each thing that happens.
class Filler {
 public:
  Filler(const RequestRecord& record, bool as_json, v1::ForwardStreamResponse& response)
      : record_(record), as_json_(as_json), response_(response) {}

  absl::Status operator()(const FieldStarted& event) const {
    response_.mutable_field_started()->set_field(std::string(event.field));
    return absl::OkStatus();
  }
  absl::Status operator()(const FieldDelta& event) const {
    response_.mutable_field_delta()->set_field(std::string(event.field));
    response_.mutable_field_delta()->set_text(event.text);
    return absl::OkStatus();
  }
  absl::Status operator()(const FieldPart& event) const {
    v1::FieldPart& part = *response_.mutable_field_part();
    part.set_field(std::string(event.field));
    part.set_key(event.key);
    return SetValue(event.value, as_json_, part);
  }
  absl::Status operator()(const FieldCompleted& event) const {
    v1::FieldCompleted& completed = *response_.mutable_field_completed();
    completed.set_field(std::string(event.field));
    return SetValue(event.value, as_json_, completed);
  }
  absl::Status operator()(const ToolCallDelta& event) const {
    v1::ToolCallDelta& call = *response_.mutable_tool_call();
    call.set_index(event.index);
    call.set_id(event.id);
    call.set_name(event.name);
    call.set_arguments(event.arguments);
    return absl::OkStatus();
  }
  absl::Status operator()(const StatusUpdate& event) const {
    v1::StatusEvent& status = *response_.mutable_status();
    switch (event.kind) {
      case StatusUpdate::Kind::kCalling:
        status.set_calling(event.detail);
        break;
      case StatusUpdate::Kind::kFallingBack:
        status.set_falling_back(event.detail);
        break;
    }
    return absl::OkStatus();
  }
  absl::Status operator()(const Interrupted& event) const {
    v1::Interruption& interruption = *response_.mutable_interruption();
    WriteUsage(record_.charged, *interruption.mutable_usage());
    if (!as_json_) return StructFromJson(event.outputs, *interruption.mutable_outputs());
    interruption.set_outputs_json(JsonText(event.outputs));
    return absl::OkStatus();
  }

 private:
  const RequestRecord& record_;
  const bool as_json_;
  v1::ForwardStreamResponse& response_;
};

bool Same(const Usage& a, const Usage& b) {
  return a.lm_calls == b.lm_calls && a.input_tokens == b.input_tokens && a.output_tokens == b.output_tokens;
}

}  // namespace

StatusTask StreamEvents::WriteUsage() {
  if (Same(written_, record_.charged)) co_return absl::OkStatus();
  written_ = record_.charged;
  v1::ForwardStreamResponse response;
  dspex::WriteUsage(written_, *response.mutable_usage());
  co_return co_await writer_.Write(response);
}

StatusTask StreamEvents::Emit(Event event) {
  absl::Status usage = co_await WriteUsage();
  if (!usage.ok()) co_return usage;
  v1::ForwardStreamResponse response;
  response.set_module(std::string(event.module));
  response.set_step(std::string(event.step));
  absl::Status filled = std::visit(Filler(record_, as_json_, response), event.what);
  if (!filled.ok()) co_return filled;
  co_return co_await writer_.Write(response);
}

}  // namespace dspex
