#include "engine/module/predict.h"

#include <absl/strings/cord.h>
#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/signature/coerce.h"

namespace dspex {

namespace {

absl::string_view Name(lm::FinishReason reason) {
  switch (reason) {
    case lm::FinishReason::kStop:
      return "stop";
    case lm::FinishReason::kLength:
      return "length";
    case lm::FinishReason::kToolCalls:
      return "tool_calls";
    case lm::FinishReason::kContentFilter:
      return "content_filter";
    case lm::FinishReason::kOther:
      break;
  }
  return "other";
}

// What to do about a completion that does not parse, if how it ended says so.
absl::string_view Advice(lm::FinishReason reason) {
  switch (reason) {
    case lm::FinishReason::kLength:
      return " The completion was cut off at its limit: raise max_tokens.";
    case lm::FinishReason::kContentFilter:
      return " The provider's content filter ended the completion.";
    default:
      return "";
  }
}

absl::Status WithFinishReason(const absl::Status& error, lm::FinishReason reason) {
  absl::Status result(error.code(), absl::StrCat(error.message(), Advice(reason)));
  error.ForEachPayload(
      [&result](absl::string_view type_url, const absl::Cord& payload) { result.SetPayload(type_url, payload); });
  return WithMetadata(std::move(result), "finish_reason", Name(reason));
}

class Predict final : public Module {
 public:
  Predict(PredictSettings settings, std::vector<lm::Message> prefix)
      : id_(std::move(settings.id)),
        signature_(std::move(settings.signature)),
        lm_name_(std::move(settings.lm_name)),
        language_model_(std::move(settings.language_model)),
        adapter_(std::move(settings.adapter)),
        prefix_(std::make_shared<const lm::Prefix>(std::move(prefix), settings.reusable)),
        options_(std::make_shared<const lm::Options>(std::move(settings.options))) {}

  const std::string& id() const override { return id_; }
  const Signature& signature() const override { return signature_; }
  std::string lm_name() const override { return lm_name_; }

  Task<Json> Forward(RequestContext context, Json inputs) const override {
    const absl::StatusOr<lm::Request> request = MakeRequest(std::move(inputs));
    if (!request.ok()) co_return request.status();
    if (Clock::now() >= context.deadline()) {
      co_return Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadlineExceeded,
                      absl::StrCat("The time for this call ended before module '", id_,
                                   "' could ask its language model. Allow more time."))
          .With("where", id_);
    }
    const RequestContext call = context.Child("lm");
    const absl::StatusOr<lm::Response> response = co_await (*language_model_)->Generate(call, *request);
    TraceNode* node = call.EndNode();
    if (!response.ok()) co_return response.status();
    Record(*response, context.record(), node);
    co_return ParseResponse(*response);
  }

  absl::StatusOr<lm::RenderedRequest> Render(Json inputs) const override {
    const absl::StatusOr<lm::Request> request = MakeRequest(std::move(inputs));
    if (!request.ok()) return request.status();
    return (*language_model_)->Render(*request);
  }

  absl::StatusOr<Json> Parse(absl::string_view completion) const override {
    return adapter_->Parse(signature_, completion);
  }

 private:
  absl::StatusOr<lm::Request> MakeRequest(Json inputs) const {
    if (!language_model_.ok()) return language_model_.status();
    const absl::StatusOr<Json> coerced = CoerceInputs(signature_, std::move(inputs));
    if (!coerced.ok()) return coerced.status();
    lm::Request request;
    request.prefix = prefix_;
    request.turns.push_back(adapter_->FormatTurn(signature_, *coerced));
    request.options = options_;
    return request;
  }

  static void Record(const lm::Response& response, RequestRecord& record, TraceNode* node) {
    Usage usage = response.usage;
    usage.lm_calls = 1;
    record.usage.Add(usage);
    if (node == nullptr) return;
    node->usage = usage;
    node->model = response.model;
    node->provider_request_id = response.provider_request_id;
    if (!response.completions.empty()) node->completion = response.completions.front().text;
  }

  absl::StatusOr<Json> ParseResponse(const lm::Response& response) const {
    if (response.completions.empty()) {
      return Error(absl::StatusCode::kDataLoss, reason::kCompletionUnparsable,
                   "The language model answered without a completion. Try again, or use another model.")
          .With("problem", "no_completion");
    }
    const lm::Completion& completion = response.completions.front();
    absl::StatusOr<Json> outputs = adapter_->Parse(signature_, completion.text);
    if (outputs.ok()) return outputs;
    return WithFinishReason(outputs.status(), completion.finish_reason);
  }

  const std::string id_;
  const Signature signature_;
  const std::string lm_name_;
  const absl::StatusOr<std::shared_ptr<lm::LanguageModel>> language_model_;
  const std::shared_ptr<const Adapter> adapter_;
  const std::shared_ptr<const lm::Prefix> prefix_;
  const std::shared_ptr<const lm::Options> options_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const Module>> MakePredict(PredictSettings settings) {
  absl::StatusOr<std::vector<lm::Message>> prefix = settings.adapter->FormatPrefix(settings.signature, settings.demos);
  if (!prefix.ok()) return prefix.status();
  return std::make_unique<const Predict>(std::move(settings), *std::move(prefix));
}

absl::StatusOr<Json> CoerceDemo(const Signature& signature, Json demo) {
  if (!demo.is_object()) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidValue,
                 "A demo is no JSON object. Give one object of field values.");
  }
  Json result = Json::object();
  for (const std::vector<Field>* fields : {&signature.inputs(), &signature.outputs()}) {
    for (const Field& field : *fields) {
      const auto found = demo.find(field.name);
      if (found == demo.end()) continue;
      // A null says that the demo does not give this field.
      absl::StatusOr<Json> value = found->is_null() ? Json() : Coerce(field.type, std::move(*found));
      if (!value.ok()) return WithMetadata(value.status(), "field", field.name);
      result.push_back({field.name, *std::move(value)});
    }
  }
  for (const auto& [name, value] : demo.items()) {
    if (signature.FindInput(name) == nullptr && signature.FindOutput(name) == nullptr) {
      return Error(absl::StatusCode::kInvalidArgument, reason::kUnknownField,
                   absl::StrCat("A demo has the field '", name, "', which '", signature.ToString(),
                                "' does not. Remove it or correct its name."))
          .With("field", name);
    }
  }
  return result;
}

}  // namespace dspex
