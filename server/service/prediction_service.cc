#include "server/service/prediction_service.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/proto_duration.h"
#include "engine/base/reasons.h"
#include "engine/base/run_all.h"
#include "engine/base/semaphore.h"
#include "engine/json/json.h"
#include "engine/module/logprobs_proto.h"
#include "engine/module/reasoning_steps_proto.h"
#include "engine/program/build_module.h"
#include "engine/program/struct_json.h"
#include "engine/program/validate.h"
#include "server/rpc/grpc_status.h"
#include "server/service/stream_events.h"
#include "server/service/usage_proto.h"

namespace dspex {

namespace {

constexpr int kMaxBatchItems = 10'000;
constexpr int kDefaultBatchConcurrency = 16;
constexpr int kMaxBatchConcurrency = 256;

absl::Status MissingField(absl::string_view field, absl::string_view what_to_do) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               absl::StrCat("The request's `", field, "` is not set. ", what_to_do))
      .Violation(field, "must be set");
}

/// The inputs of a ForwardRequest or RenderRequest.
template <typename Request>
absl::StatusOr<Json> ReadInputs(const Request& request) {
  switch (request.values_case()) {
    case Request::kInputs:
      return JsonFromStruct(request.inputs());
    case Request::kInputsJson:
      return ParseJson(request.inputs_json());
    case Request::VALUES_NOT_SET:
      return Json(Json::object());
  }
  return Json(Json::object());
}

absl::StatusOr<Json> ReadInputs(const v1::Example& item) {
  switch (item.form_case()) {
    case v1::Example::kFields:
      return JsonFromStruct(item.fields());
    case v1::Example::kFieldsJson:
      return ParseJson(item.fields_json());
    case v1::Example::FORM_NOT_SET:
      return Json(Json::object());
  }
  return Json(Json::object());
}

template <typename Request>
std::string InputsField(const Request& request) {
  return request.has_inputs_json() ? "inputs_json" : "inputs";
}

std::string InputsField(const v1::ForwardBatchRequest& request, int index) {
  return absl::StrCat("items[", index, request.items(index).has_fields_json() ? "].fields_json" : "].fields");
}

/// What is wrong with inputs, with violations of the request's field that holds them.
absl::Status AtInputs(absl::Status status, absl::string_view field) {
  // A provider objects to a request that nobody but the server has written.
  if (ErrorReason(status) == reason::kProviderInvalidRequest) return status;
  return WithFieldPrefix(std::move(status), field);
}

/// Writes outputs in the form the request used. Response is a Prediction or a ParseResponse.
template <typename Response>
absl::Status WriteOutputs(const Json& outputs, bool as_json, Response& response) {
  if (as_json) {
    response.set_outputs_json(outputs.dump());
    return absl::OkStatus();
  }
  return StructFromJson(outputs, *response.mutable_outputs());
}

/// Writes all that the engine's prediction has.
absl::Status WritePrediction(const Prediction& prediction, bool as_json, v1::Prediction& proto) {
  if (absl::Status status = WriteOutputs(prediction.outputs, as_json, proto); !status.ok()) return status;
  if (prediction.logprobs.has_value()) LogprobsToProto(*prediction.logprobs, *proto.mutable_logprobs());
  for (const Answer& answer : prediction.answers) {
    v1::Answer& message = *proto.add_answers();
    if (absl::Status status = WriteOutputs(answer.outputs, as_json, message); !status.ok()) return status;
    if (answer.logprobs.has_value()) LogprobsToProto(*answer.logprobs, *message.mutable_logprobs());
  }
  proto.mutable_warnings()->Assign(prediction.warnings.begin(), prediction.warnings.end());
  if (prediction.reasoning.has_value()) ReasoningToProto(*prediction.reasoning, *proto.mutable_reasoning());
  return absl::OkStatus();
}

/// The sampling settings of a request, checked.
template <typename Request>
absl::StatusOr<Sampling> ReadCallOptions(const Request& request) {
  if (absl::Status status = ValidateOptions(request.options(), "options"); !status.ok()) return status;
  return ReadSampling(request.options());
}

void WriteTrace(const RequestRecord& record, v1::Prediction& prediction) {
  for (const TraceNode& node : record.trace) {
    v1::TraceNode& proto = *prediction.add_trace();
    proto.set_parent(node.parent);
    proto.set_name(node.name);
    WriteDuration(node.start - record.start, *proto.mutable_start());
    WriteDuration(node.end - node.start, *proto.mutable_duration());
    proto.set_model(node.model);
    proto.set_provider_request_id(node.provider_request_id);
    proto.set_completion(node.completion);
    proto.set_reason(node.reason);
    proto.set_from_cache(node.from_cache);
    if (node.usage.lm_calls > 0) WriteUsage(node.usage, *proto.mutable_usage());
  }
}

}  // namespace

/// What a request runs: a stored program's revision, or an inline one.
struct PredictionService::Target {
  std::shared_ptr<const Program> program;
  /// "programs/qa@3"; empty for an inline program.
  std::string name;
};

PredictionService::PredictionService(ProgramCache* cache, Options options)
    : cache_(cache), options_(std::move(options)) {}

template <typename Request>
Task<PredictionService::Target> PredictionService::Resolve(RequestContext context, const Request& request) {
  switch (request.target_case()) {
    case Request::kProgram: {
      absl::StatusOr<ProgramHandle> handle = co_await cache_->Get(context, request.program());
      if (!handle.ok()) co_return handle.status();
      co_return Target{std::move(handle->program), std::move(handle->name)};
    }
    case Request::kInlineProgram: {
      absl::StatusOr<std::shared_ptr<const Program>> program =
          Program::Create(request.inline_program(), options_.environment);
      if (!program.ok()) co_return WithFieldPrefix(program.status(), "inline_program");
      co_return Target{*std::move(program), ""};
    }
    case Request::TARGET_NOT_SET:
      break;
  }
  co_return MissingField("program", "Name a stored program as \"programs/ID\", or give one in `inline_program`.");
}

StatusTask PredictionService::Run(RequestContext context, const Target& target, const Sampling& call, Json inputs,
                                  std::string inputs_field, bool as_json, v1::Prediction& prediction) {
  const Clock::duration limit = std::min(options_.forward_timeout, target.program->timeout());
  RequestContext limited = context;
  limited.NarrowDeadline(Clock::now() + limit);
  const absl::StatusOr<Prediction> answer = co_await target.program->Forward(limited, std::move(inputs), call);
  if (!answer.ok()) co_return AtInputs(answer.status(), inputs_field);
  if (absl::Status status = WritePrediction(*answer, as_json, prediction); !status.ok()) co_return status;
  prediction.set_program(target.name);
  WriteUsage(context.record().charged, *prediction.mutable_usage());
  WriteTrace(context.record(), prediction);
  co_return absl::OkStatus();
}

StatusTask PredictionService::Forward(RequestContext context, const v1::ForwardRequest& request,
                                      v1::ForwardResponse& response) {
  absl::StatusOr<Target> target = co_await Resolve(context, request);
  if (!target.ok()) co_return target.status();
  const absl::StatusOr<Sampling> call = ReadCallOptions(request);
  if (!call.ok()) co_return call.status();
  absl::StatusOr<Json> inputs = ReadInputs(request);
  if (!inputs.ok()) co_return AtInputs(inputs.status(), InputsField(request));
  context.record().keep_trace = request.include_trace();
  co_return co_await Run(context, *target, *call, *std::move(inputs), InputsField(request), request.has_inputs_json(),
                         *response.mutable_prediction());
}

StatusTask PredictionService::ForwardStream(RequestContext context, const v1::ForwardStreamRequest& request,
                                            ResponseWriter<v1::ForwardStreamResponse>& writer) {
  absl::StatusOr<Target> target = co_await Resolve(context, request);
  if (!target.ok()) co_return target.status();
  const absl::StatusOr<Sampling> call = ReadCallOptions(request);
  if (!call.ok()) co_return call.status();
  absl::StatusOr<Json> inputs = ReadInputs(request);
  if (!inputs.ok()) co_return AtInputs(inputs.status(), InputsField(request));
  context.record().keep_trace = request.include_trace();
  StreamEvents events(context.record(), request.has_inputs_json(), writer);
  context.set_events(&events);
  v1::ForwardStreamResponse last;
  absl::Status status = co_await Run(context, *target, *call, *std::move(inputs), InputsField(request),
                                     request.has_inputs_json(), *last.mutable_prediction());
  if (status.ok()) status = co_await events.WriteUsage();
  if (!status.ok()) co_return status;
  co_return co_await writer.Write(last);
}

/// What the runs of one ForwardBatch share; all on the call's executor.
struct PredictionService::Batch {
  const v1::ForwardBatchRequest& request;
  const Target& target;
  const Sampling& call;
  ResponseWriter<v1::ForwardBatchResponse>& writer;
  Semaphore write_turn{1};
  int next = 0;
};

StatusTask PredictionService::ForwardBatch(RequestContext context, const v1::ForwardBatchRequest& request,
                                           ResponseWriter<v1::ForwardBatchResponse>& writer) {
  if (request.items_size() > kMaxBatchItems) {
    co_return static_cast<absl::Status>(Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
                                              absl::StrCat("The batch has ", request.items_size(), " items; at most ",
                                                           kMaxBatchItems, " are taken. Send it in parts."))
                                            .Violation("items", "too many"));
  }
  if (request.max_concurrency() < 0 || request.max_concurrency() > kMaxBatchConcurrency) {
    co_return static_cast<absl::Status>(
        Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
              absl::StrCat("`max_concurrency` is ", request.max_concurrency(), ". Give 1 to ", kMaxBatchConcurrency,
                           ", or 0 for ", kDefaultBatchConcurrency, "."))
            .Violation("max_concurrency", "out of range"));
  }
  absl::StatusOr<Target> target = co_await Resolve(context, request);
  if (!target.ok()) co_return target.status();
  const absl::StatusOr<Sampling> call = ReadCallOptions(request);
  if (!call.ok()) co_return call.status();

  Batch batch{.request = request, .target = *target, .call = *call, .writer = writer};
  const int wanted = request.max_concurrency() == 0 ? kDefaultBatchConcurrency : request.max_concurrency();
  std::vector<StatusTask> runners;
  for (int i = 0; i < std::min(wanted, request.items_size()); ++i) runners.push_back(RunItems(context, batch));
  co_return co_await RunAll(std::move(runners));
}

StatusTask PredictionService::RunItems(RequestContext context, Batch& batch) {
  while (batch.next < batch.request.items_size()) {
    const int index = batch.next++;
    const v1::Example& item = batch.request.items(index);
    v1::ForwardBatchResponse response;
    response.set_index(index);

    // A record of its own, so that usage and trace are the item's; its times count for the call.
    RequestRecord record;
    record.request_id = context.record().request_id;
    record.tenant = context.record().tenant;
    record.keep_trace = batch.request.include_trace();
    absl::StatusOr<Json> inputs = ReadInputs(item);
    absl::Status status = AtInputs(inputs.status(), InputsField(batch.request, index));
    if (status.ok()) {
      status = co_await Run(RequestContext(record, context.deadline()), batch.target, batch.call, *std::move(inputs),
                            InputsField(batch.request, index), item.has_fields_json(), *response.mutable_prediction());
    }
    context.record().Merge(record);
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) co_return absl::CancelledError("cancelled");
    if (!status.ok()) *response.mutable_error() = ToRpcStatus(WithReason(status));

    absl::StatusOr<Semaphore::Permit> turn = co_await batch.write_turn.Acquire(kNoDeadline);
    if (!turn.ok()) co_return turn.status();
    const absl::Status written = co_await batch.writer.Write(response);
    if (!written.ok()) co_return written;
  }
  co_return absl::OkStatus();
}

StatusTask PredictionService::Render(RequestContext context, const v1::RenderRequest& request,
                                     v1::RenderResponse& response) {
  absl::StatusOr<Target> target = co_await Resolve(context, request);
  if (!target.ok()) co_return target.status();
  const absl::StatusOr<Sampling> call = ReadCallOptions(request);
  if (!call.ok()) co_return call.status();
  absl::StatusOr<Json> inputs = ReadInputs(request);
  if (!inputs.ok()) co_return AtInputs(inputs.status(), InputsField(request));
  absl::StatusOr<std::vector<Program::Rendered>> rendered =
      target->program->Render(*std::move(inputs), *call, {request.completions().begin(), request.completions().end()});
  if (!rendered.ok()) co_return AtInputs(rendered.status(), InputsField(request));
  for (Program::Rendered& one : *rendered) {
    v1::RenderedRequest& proto = *response.add_requests();
    proto.set_step(std::move(one.step));
    proto.set_module(std::move(one.module));
    proto.set_lm(std::move(one.lm));
    proto.set_url(std::move(one.request.url));
    proto.set_body(std::move(one.request.body));
  }
  co_return absl::OkStatus();
}

StatusTask PredictionService::Parse(RequestContext context, const v1::ParseRequest& request,
                                    v1::ParseResponse& response) {
  absl::StatusOr<Target> target = co_await Resolve(context, request);
  if (!target.ok()) co_return target.status();
  const absl::StatusOr<Prediction> answer = target->program->Parse(request.module(), request.completion());
  if (!answer.ok()) co_return answer.status();
  if (answer->reasoning.has_value()) ReasoningToProto(*answer->reasoning, *response.mutable_reasoning());
  co_return WriteOutputs(answer->outputs, request.as_json(), response);
}

}  // namespace dspex
