#include "server/job/lm_answer_codec.h"

#include <absl/strings/cord.h>

#include <utility>

#include "dspex/journal/v1/journal.pb.h"
#include "server/store/program_definition.h"

namespace dspex {

namespace {

// The numbers of the two enums are not the same, so that 0 stays free in what is kept.
journal::v1::FinishReason ToProto(lm::FinishReason reason) {
  switch (reason) {
    case lm::FinishReason::kStop:
      return journal::v1::FINISH_REASON_STOP;
    case lm::FinishReason::kLength:
      return journal::v1::FINISH_REASON_LENGTH;
    case lm::FinishReason::kToolCalls:
      return journal::v1::FINISH_REASON_TOOL_CALLS;
    case lm::FinishReason::kContentFilter:
      return journal::v1::FINISH_REASON_CONTENT_FILTER;
    case lm::FinishReason::kRefusal:
      return journal::v1::FINISH_REASON_REFUSAL;
    case lm::FinishReason::kOther:
      break;
  }
  return journal::v1::FINISH_REASON_OTHER;
}

lm::FinishReason FromProto(journal::v1::FinishReason reason) {
  switch (reason) {
    case journal::v1::FINISH_REASON_STOP:
      return lm::FinishReason::kStop;
    case journal::v1::FINISH_REASON_LENGTH:
      return lm::FinishReason::kLength;
    case journal::v1::FINISH_REASON_TOOL_CALLS:
      return lm::FinishReason::kToolCalls;
    case journal::v1::FINISH_REASON_CONTENT_FILTER:
      return lm::FinishReason::kContentFilter;
    case journal::v1::FINISH_REASON_REFUSAL:
      return lm::FinishReason::kRefusal;
    default:
      return lm::FinishReason::kOther;
  }
}

void Write(const Usage& usage, journal::v1::Usage& out) {
  out.set_input_tokens(usage.input_tokens);
  out.set_output_tokens(usage.output_tokens);
  out.set_cached_input_tokens(usage.cached_input_tokens);
  out.set_cache_write_tokens(usage.cache_write_tokens);
  out.set_reasoning_tokens(usage.reasoning_tokens);
  out.set_lm_calls(usage.lm_calls);
  out.set_picodollars(usage.cost.picodollars());
  out.set_estimated(usage.estimated);
}

Usage Read(const journal::v1::Usage& usage) {
  return {.input_tokens = usage.input_tokens(),
          .output_tokens = usage.output_tokens(),
          .cached_input_tokens = usage.cached_input_tokens(),
          .cache_write_tokens = usage.cache_write_tokens(),
          .reasoning_tokens = usage.reasoning_tokens(),
          .lm_calls = usage.lm_calls(),
          .cost = Money::Picodollars(usage.picodollars()),
          .estimated = usage.estimated()};
}

void Write(const lm::Completion& completion, journal::v1::Completion& out) {
  out.set_text(completion.text);
  for (const lm::ToolCallPart& call : completion.tool_calls) {
    journal::v1::ToolCall& tool_call = *out.add_tool_calls();
    tool_call.set_id(call.id);
    tool_call.set_name(call.name);
    tool_call.set_arguments(call.arguments);
  }
  out.set_finish_reason(ToProto(completion.finish_reason));
  if (completion.reasoning.has_value()) out.set_reasoning(*completion.reasoning);
  for (const lm::ReasoningPart& part : completion.reasoning_parts) {
    journal::v1::ReasoningPart& reasoning = *out.add_reasoning_parts();
    reasoning.set_dialect(part.dialect);
    reasoning.set_json(part.json);
  }
}

lm::Completion Read(journal::v1::Completion& completion) {
  lm::Completion out;
  out.text = std::move(*completion.mutable_text());
  for (journal::v1::ToolCall& call : *completion.mutable_tool_calls()) {
    out.tool_calls.push_back(
        {std::move(*call.mutable_id()), std::move(*call.mutable_name()), std::move(*call.mutable_arguments())});
  }
  out.finish_reason = FromProto(completion.finish_reason());
  if (completion.has_reasoning()) out.reasoning = std::move(*completion.mutable_reasoning());
  for (journal::v1::ReasoningPart& part : *completion.mutable_reasoning_parts()) {
    out.reasoning_parts.push_back({std::move(*part.mutable_dialect()), std::move(*part.mutable_json())});
  }
  return out;
}

void Write(const lm::Response& response, journal::v1::Answer::Response& out) {
  for (const lm::Completion& completion : response.completions) Write(completion, *out.add_completions());
  Write(response.usage, *out.mutable_usage());
  out.set_model(response.model);
  out.set_provider_request_id(response.provider_request_id);
  out.set_attempts(response.attempts);
  out.set_entry(response.entry);
  out.set_from_cache(response.from_cache);
}

lm::Response Read(journal::v1::Answer::Response& response) {
  lm::Response out;
  for (journal::v1::Completion& completion : *response.mutable_completions()) {
    out.completions.push_back(Read(completion));
  }
  out.usage = Read(response.usage());
  out.model = std::move(*response.mutable_model());
  out.provider_request_id = std::move(*response.mutable_provider_request_id());
  out.attempts = response.attempts();
  out.entry = response.entry();
  out.from_cache = response.from_cache();
  return out;
}

void Write(const absl::Status& status, journal::v1::Error& out) {
  out.set_code(static_cast<int>(status.code()));
  out.set_message(std::string(status.message()));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    (*out.mutable_payloads())[std::string(url)] = std::string(payload);
  });
}

absl::Status Read(const journal::v1::Error& error) {
  absl::Status status(static_cast<absl::StatusCode>(error.code()), error.message());
  for (const auto& [url, payload] : error.payloads()) status.SetPayload(url, absl::Cord(payload));
  return status;
}

}  // namespace

std::string EncodeAnswer(const LmAnswer& answer) {
  journal::v1::Answer out;
  if (answer.ok()) {
    Write(*answer, *out.mutable_response());
  } else {
    Write(answer.status(), *out.mutable_error());
  }
  return SerializeDeterministically(out);
}

std::optional<LmAnswer> DecodeAnswer(absl::string_view bytes) {
  journal::v1::Answer answer;
  if (!answer.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
  if (answer.has_response()) return LmAnswer(Read(*answer.mutable_response()));
  // An OK status is no error.
  if (!answer.has_error() || answer.error().code() == 0) return std::nullopt;
  return LmAnswer(Read(answer.error()));
}

}  // namespace dspex
