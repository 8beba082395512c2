#include "engine/module/predict.h"

#include <absl/strings/cord.h>
#include <absl/strings/str_cat.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/adapter/custom_type.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/module/ask.h"
#include "engine/module/completion_end.h"
#include "engine/module/field_stream.h"
#include "engine/module/majority.h"
#include "engine/signature/coerce.h"
#include "engine/signature/enforce.h"

namespace dspex {

namespace {

constexpr absl::string_view kNoLogprobs = "The language model told no log probabilities, which were asked for.";

absl::Status NoChoices() {
  return Error(absl::StatusCode::kDataLoss, reason::kCompletionUnparsable,
               "The language model answered without a completion. Try again, or use another model.")
      .With("problem", "no_completion");
}

// What errors about a completion say of its response.
absl::Status WithSource(absl::Status error, const std::string& model, const lm::Response& response) {
  const std::size_t slash = model.find('/');
  error = WithMetadata(std::move(error), "provider", model.substr(0, slash));
  error = WithMetadata(std::move(error), "model", model.substr(slash + 1));
  error = WithMetadata(std::move(error), "attempts", absl::StrCat(response.attempts));
  if (response.provider_request_id.empty()) return error;
  return WithMetadata(std::move(error), "provider_request_id", response.provider_request_id);
}

Answer ToAnswer(Json outputs, const lm::Request& request, const lm::Completion& completion) {
  Answer answer{std::move(outputs)};
  if (request.options->logprobs.value_or(false)) answer.logprobs = completion.logprobs;
  return answer;
}

// A layout with what the module's own settings make of it.
struct Way {
  std::unique_ptr<const Layout> layout;
  Sampling sampling;
  /// sampling.options with what the layout adds, shared by the module's requests.
  std::shared_ptr<const lm::Options> options;
};

struct TakenInputs {
  Json values;
  std::vector<std::string> warnings;
};

// The end of a call whose caller sees how it gets on.
StatusTask TellEnd(FieldStream& stream, const absl::StatusOr<Prediction>& prediction) {
  if (prediction.ok()) co_return co_await stream.Finish(prediction->outputs);
  // The error is what matters; whoever is gone does not miss this.
  static_cast<void>(co_await stream.Interrupt());
  co_return absl::OkStatus();
}

class Predict final : public Module {
 public:
  Predict(PredictSettings settings, Way way, std::unique_ptr<const Module> extraction)
      : settings_(std::move(settings)), way_(std::move(way)), extraction_(std::move(extraction)) {}

  const std::string& id() const override { return settings_.id; }
  const Signature& signature() const override { return settings_.signature; }
  std::string lm_name() const override { return settings_.language_model.name; }

  Task<Prediction> Forward(RequestContext context, Json inputs, const Sampling& call) const override;
  absl::Status CheckInputs(const Signature& part, Json inputs) const override {
    return Take(part, std::move(inputs)).status();
  }
  absl::StatusOr<lm::RenderedRequest> Render(Json inputs, const Sampling& call) const override;
  absl::StatusOr<Prediction> Parse(absl::string_view completion) const override;

  static absl::StatusOr<Way> MakeWay(const PredictSettings& settings, const AdapterOptions& adapter);

 private:
  absl::StatusOr<TakenInputs> Take(const Signature& part, Json inputs) const;
  Task<std::vector<Answer>> Answers(const RequestContext& context, const Way& way, const Json& inputs,
                                    const Sampling& call, FieldStream* stream) const;
  Task<std::vector<Answer>> LongAnswers(RequestContext context, const Layout& layout, const lm::Request& request,
                                        int completions, FieldStream* stream) const;
  Task<std::vector<Answer>> FallBack(const RequestContext& context, absl::Status cause, const Json& inputs,
                                     const Sampling& call, std::unique_ptr<FieldStream>& stream) const;
  std::unique_ptr<FieldStream> NewStream(const RequestContext& context, const Way& way) const;
  absl::Status ReadInto(std::vector<Answer>& answers, const Layout& layout, const lm::Request& request,
                        const lm::Response& response) const;
  StatusTask ReadInTwoStepsInto(std::vector<Answer>& answers, const RequestContext& context, const Layout& layout,
                                const lm::Request& request, const lm::Response& response, FieldStream* stream) const;
  absl::Status CheckEndOf(const lm::Completion& completion, const lm::Response& response) const;
  absl::Status Unread(const absl::Status& error, const lm::Completion& completion, const lm::Response& response) const;
  Task<Json> ReadInTwoSteps(const RequestContext& context, const Layout& layout, const lm::Completion& completion,
                            FieldStream* stream) const;
  Task<Json> Extract(const RequestContext& context, const std::string& text, FieldStream* stream) const;
  absl::StatusOr<Prediction> Conclude(std::vector<Answer> answers) const;
  absl::StatusOr<Prediction> ConcludeOne(absl::StatusOr<Json> answer) const;
  bool FallsBack(const absl::Status& status) const;
  absl::StatusOr<const Way*> Fallback() const;
  /// Only where there is one.
  lm::LanguageModel& model() const { return **settings_.language_model.model; }

  const PredictSettings settings_;
  const Way way_;
  /// Two-step: from the model's text to the fields.
  const std::unique_ptr<const Module> extraction_;
  /// Made when it is needed first: most modules never fall back.
  mutable std::once_flag fallback_once_;
  mutable absl::StatusOr<Way> fallback_ = absl::UnknownError("");
};

const Sampling& Unchanged() {
  static const Sampling unchanged;
  return unchanged;
}

// What is asked for, with the settings of the call.
struct Wish {
  std::shared_ptr<const lm::Options> options;
  int completions = 1;
};

// What the settings make of what the layout wants. Not in a coroutine: its frame would hold them all.
Wish MakeWish(const Layout& layout, Sampling sampling) {
  SpreadTemperature(sampling);
  const int completions = sampling.completions();
  return {std::make_shared<const lm::Options>(layout.WithOwn(std::move(sampling.options))), completions};
}

// Most calls change nothing, and share what is there.
Wish WishOf(const Way& way, const Sampling& call) {
  if (call == Unchanged()) return {way.options, way.sampling.completions()};
  return MakeWish(*way.layout, Merge(way.sampling, call));
}

absl::StatusOr<Way> Predict::MakeWay(const PredictSettings& settings, const AdapterOptions& adapter) {
  lm::Capabilities capabilities;
  if (settings.language_model.model.ok()) capabilities = (*settings.language_model.model)->capabilities();
  absl::StatusOr<std::unique_ptr<const Layout>> layout = Layout::Create({.adapter = adapter,
                                                                         .format = settings.format,
                                                                         .phrasebook = settings.phrasebook,
                                                                         .signature = settings.signature,
                                                                         .demos = settings.demos,
                                                                         .capabilities = capabilities,
                                                                         .lm_name = settings.language_model.name,
                                                                         .reusable = settings.reusable});
  if (!layout.ok()) return layout.status();
  Way way{.layout = *std::move(layout), .sampling = settings.sampling, .options = nullptr};
  way.options = MakeWish(*way.layout, settings.sampling).options;
  return way;
}

absl::Status CheckConstraints(const std::vector<Field>& fields, const Json& values) {
  for (const Field& field : fields) {
    if (field.constraints.empty()) continue;
    const auto value = values.find(field.name);
    if (value == values.end()) continue;
    if (absl::Status status = EnforceConstraints(field, *value); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// An answer that breaks a constraint is no better than one that does not parse.
absl::Status Unmet(const absl::Status& broken) {
  return Error(absl::StatusCode::kDataLoss, reason::kCompletionUnparsable,
               absl::StrCat("The completion's output breaks a constraint of its field: ", broken.message()))
      .With("field", ErrorMetadata(broken, "field"))
      .With("problem", "constraint")
      .With("rule", ErrorMetadata(broken, "rule"));
}

// DSPy makes images of what stands between its markers, wherever it came from.
absl::Status MarkerRefused() {
  return Error(
      absl::StatusCode::kInvalidArgument, reason::kInvalidValue,
      "An input holds DSPy's marker of a custom type, which would become a block of the message. Remove it, or "
      "give an image, audio or file as such.");
}

// The same in a first answer, which is the second request's input: there the model is to blame, not the caller.
absl::Status MarkerAnswered() {
  return Error(absl::StatusCode::kDataLoss, reason::kCompletionUnparsable,
               "The completion holds DSPy's marker of a custom type, which would become a block of the second request. "
               "Try again, or use another model.")
      .With("problem", "malformed");
}

absl::Status TooLate(const std::string& module) {
  return Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadlineExceeded,
               absl::StrCat("The time for this call ended before module '", module,
                            "' could ask its language model. Allow more time."))
      .With("where", module);
}

absl::StatusOr<TakenInputs> Predict::Take(const Signature& part, Json inputs) const {
  TakenInputs taken;
  absl::StatusOr<Json> values =
      settings_.enforced ? CoerceInputs(part, std::move(inputs)) : TakeInputs(part, std::move(inputs), taken.warnings);
  if (!values.ok()) return values.status();
  if (settings_.enforced) {
    absl::Status checked = CheckConstraints(part.inputs(), *values);
    if (!checked.ok()) return checked;
  }
  if (ContainsMarker(*values)) return MarkerRefused();
  taken.values = *std::move(values);
  return taken;
}

Task<Prediction> Predict::Forward(RequestContext context, Json inputs, const Sampling& call) const {
  if (!settings_.language_model.model.ok()) co_return settings_.language_model.model.status();
  absl::StatusOr<TakenInputs> taken = Take(settings_.signature, std::move(inputs));
  if (!taken.ok()) co_return taken.status();
  if (Clock::now() >= context.deadline()) co_return TooLate(id());
  std::unique_ptr<FieldStream> stream = NewStream(context, way_);
  absl::StatusOr<std::vector<Answer>> answers = co_await Answers(context, way_, taken->values, call, stream.get());
  // What the caller has seen of an answer is not taken back for another one.
  if (FallsBack(answers.status()) && (stream == nullptr || !stream->told())) {
    answers = co_await FallBack(context, answers.status(), taken->values, call, stream);
  }
  absl::StatusOr<Prediction> prediction =
      answers.ok() ? Conclude(*std::move(answers)) : absl::StatusOr<Prediction>(answers.status());
  if (prediction.ok()) prediction->warnings = std::move(taken->warnings);
  if (prediction.ok() && prediction->logprobs.has_value() && prediction->logprobs->empty()) {
    prediction->warnings.push_back(std::string(kNoLogprobs));
  }
  if (stream != nullptr) {
    absl::Status told = co_await TellEnd(*stream, prediction);
    if (!told.ok()) co_return told;
  }
  co_return prediction;
}

std::unique_ptr<FieldStream> Predict::NewStream(const RequestContext& context, const Way& way) const {
  if (context.events() == nullptr) return nullptr;
  FieldStream::Options options{.module = id(),
                               .outputs = &signature().outputs(),
                               .reader = way.layout->NewReader(),
                               .reasoning_field = way.layout->ReasoningField()};
  return std::make_unique<FieldStream>(std::move(options), *context.events());
}

bool Predict::FallsBack(const absl::Status& status) const {
  const bool can = settings_.adapter.kind == AdapterKind::kChat || settings_.adapter.kind == AdapterKind::kXml;
  return can && settings_.json_fallback && !status.ok() && ErrorReason(status) == reason::kCompletionUnparsable;
}

absl::StatusOr<const Way*> Predict::Fallback() const {
  std::call_once(fallback_once_, [this] {
    AdapterOptions json = settings_.adapter;
    json.kind = AdapterKind::kJson;
    fallback_ = MakeWay(settings_, json);
  });
  if (!fallback_.ok()) return fallback_.status();
  return &*fallback_;
}

// As DSPy does: what the adapter could not read is asked for once more, as JSON.
Task<std::vector<Answer>> Predict::FallBack(const RequestContext& context, absl::Status cause, const Json& inputs,
                                            const Sampling& call, std::unique_ptr<FieldStream>& stream) const {
  const absl::StatusOr<const Way*> way = Fallback();
  if (!way.ok()) co_return way.status();
  if (stream != nullptr) {
    stream = NewStream(context, **way);
    StatusUpdate update{StatusUpdate::Kind::kFallingBack, std::string(cause.message())};
    absl::Status told = co_await stream->Tell(std::move(update));
    if (!told.ok()) co_return told;
  }
  const RequestContext fallback = context.Child("json_fallback");
  absl::StatusOr<std::vector<Answer>> answers = co_await Answers(fallback, **way, inputs, call, stream.get());
  if (TraceNode* node = fallback.EndNode(); node != nullptr) {
    node->reason = std::string(cause.message());
    if (!answers.ok()) absl::StrAppend(&node->reason, " Then: ", answers.status().message());
  }
  // What the caller asked for has failed for the first reason; the trace has the second.
  if (FallsBack(answers.status())) co_return cause;
  co_return answers;
}

Task<std::vector<Answer>> Predict::Answers(const RequestContext& context, const Way& way, const Json& inputs,
                                           const Sampling& call, FieldStream* stream) const {
  Wish wish = WishOf(way, call);
  const absl::StatusOr<lm::Request> request = way.layout->MakeRequest(inputs, std::move(wish.options));
  if (!request.ok()) co_return request.status();
  if (stream != nullptr) {
    absl::Status told = co_await stream->Tell({StatusUpdate::Kind::kCalling, model().name()});
    if (!told.ok()) co_return told;
  }
  if (wish.completions > 1 || extraction_ != nullptr) {
    co_return co_await LongAnswers(context, *way.layout, *request, wish.completions, stream);
  }
  RequestContext ask = context.Child("lm");
  ask.set_deltas(stream);
  const absl::StatusOr<lm::Response> response = co_await model().Generate(ask, *request);
  NoteAnswer(ask, response);
  if (!response.ok()) co_return response.status();
  std::vector<Answer> answers;
  absl::Status read = ReadInto(answers, *way.layout, *request, *response);
  if (!read.ok()) co_return read;
  if (answers.empty()) co_return NoChoices();
  co_return answers;
}

// Where the model is asked more than once: for several completions, or in two steps.
Task<std::vector<Answer>> Predict::LongAnswers(RequestContext context, const Layout& layout, const lm::Request& request,
                                               int completions, FieldStream* stream) const {
  // Of several answers none is the answer before all are there.
  if (completions > 1) context.set_events(nullptr);
  std::vector<lm::Response> responses(static_cast<std::size_t>(completions));
  absl::Status asked = co_await Ask(context, model(), request, responses);
  if (!asked.ok()) co_return asked;
  std::vector<Answer> answers;
  for (const lm::Response& response : responses) {
    absl::Status read = extraction_ == nullptr
                            ? ReadInto(answers, layout, request, response)
                            : co_await ReadInTwoStepsInto(answers, context, layout, request, response, stream);
    if (!read.ok()) co_return read;
  }
  if (answers.empty()) co_return NoChoices();
  co_return answers;
}

absl::Status Predict::ReadInto(std::vector<Answer>& answers, const Layout& layout, const lm::Request& request,
                               const lm::Response& response) const {
  answers.reserve(answers.size() + response.completions.size());
  for (const lm::Completion& completion : response.completions) {
    absl::Status ended = CheckEndOf(completion, response);
    if (!ended.ok()) return ended;
    absl::StatusOr<Json> outputs = layout.Read(completion);
    if (!outputs.ok()) return Unread(outputs.status(), completion, response);
    answers.push_back(ToAnswer(*std::move(outputs), request, completion));
  }
  return absl::OkStatus();
}

StatusTask Predict::ReadInTwoStepsInto(std::vector<Answer>& answers, const RequestContext& context,
                                       const Layout& layout, const lm::Request& request, const lm::Response& response,
                                       FieldStream* stream) const {
  for (const lm::Completion& completion : response.completions) {
    absl::Status ended = CheckEndOf(completion, response);
    if (!ended.ok()) co_return ended;
    absl::StatusOr<Json> outputs = co_await ReadInTwoSteps(context, layout, completion, stream);
    if (!outputs.ok()) co_return Unread(outputs.status(), completion, response);
    answers.push_back(ToAnswer(*std::move(outputs), request, completion));
  }
  co_return absl::OkStatus();
}

absl::Status Predict::CheckEndOf(const lm::Completion& completion, const lm::Response& response) const {
  if (!settings_.enforced) return absl::OkStatus();
  absl::Status ended = CheckEnd(completion.finish_reason);
  return ended.ok() ? ended : WithSource(std::move(ended), model().name(), response);
}

absl::Status Predict::Unread(const absl::Status& error, const lm::Completion& completion,
                             const lm::Response& response) const {
  return WithSource(WithFinishReason(error, completion.finish_reason), model().name(), response);
}

Task<Json> Predict::ReadInTwoSteps(const RequestContext& context, const Layout& layout,
                                   const lm::Completion& completion, FieldStream* stream) const {
  if (!layout.ReadsText(completion)) co_return layout.Read(completion);
  absl::StatusOr<Json> extracted = co_await Extract(context, completion.text, stream);
  co_return layout.Complete(completion, std::move(extracted));
}

Task<Json> Predict::Extract(const RequestContext& context, const std::string& text, FieldStream* stream) const {
  Json inputs = Json::object();
  inputs["text"] = text;
  if (ContainsMarker(inputs)) co_return MarkerAnswered();
  const RequestContext child = context.Child("extraction");
  absl::StatusOr<Prediction> extracted = co_await extraction_->Forward(child, std::move(inputs), Unchanged());
  child.EndNode();
  if (!extracted.ok()) co_return extracted.status();
  // The extraction has told of its outputs itself.
  if (stream != nullptr && context.events() != nullptr) stream->AddTold(extracted->outputs);
  co_return std::move(extracted->outputs);
}

absl::StatusOr<Prediction> Predict::Conclude(std::vector<Answer> answers) const {
  Prediction prediction;
  std::size_t chosen = 0;
  if (answers.size() > 1 && !settings_.majority_field.empty())
    chosen = MajorityIndex(answers, settings_.majority_field);
  Answer answer = answers.size() > 1 ? answers[chosen] : std::move(answers.front());
  prediction.outputs = std::move(answer.outputs);
  prediction.logprobs = std::move(answer.logprobs);
  if (answers.size() > 1) prediction.answers = std::move(answers);
  if (settings_.enforced) {
    const absl::Status checked = CheckConstraints(settings_.signature.outputs(), prediction.outputs);
    if (!checked.ok()) return Unmet(checked);
  }
  return prediction;
}

absl::StatusOr<lm::RenderedRequest> Predict::Render(Json inputs, const Sampling& call) const {
  if (!settings_.language_model.model.ok()) return settings_.language_model.model.status();
  absl::StatusOr<TakenInputs> taken = Take(settings_.signature, std::move(inputs));
  if (!taken.ok()) return taken.status();
  const absl::StatusOr<lm::Request> request = way_.layout->MakeRequest(taken->values, WishOf(way_, call).options);
  if (!request.ok()) return request.status();
  return model().Render(*request);
}

absl::StatusOr<Prediction> Predict::Parse(absl::string_view completion) const {
  if (extraction_ != nullptr) {
    // The fields come from the second answer of two steps.
    absl::StatusOr<Prediction> extracted = extraction_->Parse(completion);
    if (!extracted.ok()) return extracted;
    return ConcludeOne(way_.layout->Complete({.text = std::string(completion)}, std::move(extracted->outputs)));
  }
  return ConcludeOne(way_.layout->Read({.text = std::string(completion)}));
}

absl::StatusOr<Prediction> Predict::ConcludeOne(absl::StatusOr<Json> answer) const {
  if (!answer.ok()) return answer.status();
  std::vector<Answer> answers;
  answers.push_back(Answer{*std::move(answer)});
  return Conclude(std::move(answers));
}

// DSPy's second step: a chat prompt without demos, on a model of its own, for what the first was asked for as text.
absl::StatusOr<std::unique_ptr<const Module>> MakeExtraction(const PredictSettings& settings, const Layout& first) {
  if (settings.adapter.kind != AdapterKind::kTwoStep) return std::unique_ptr<const Module>();
  return MakePredict({.id = settings.id,
                      .signature = ExtractionSignature(*settings.phrasebook, first.asked()),
                      .demos = {},
                      .sampling = settings.extraction_sampling,
                      .language_model = *settings.extraction,
                      .phrasebook = settings.phrasebook,
                      .enforced = false,
                      .reusable = settings.reusable});
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Module>> MakePredict(PredictSettings settings) {
  absl::StatusOr<Way> way = Predict::MakeWay(settings, settings.adapter);
  if (!way.ok()) return way.status();
  absl::StatusOr<std::unique_ptr<const Module>> extraction = MakeExtraction(settings, *way->layout);
  if (!extraction.ok()) return extraction.status();
  return std::make_unique<const Predict>(std::move(settings), *std::move(way), *std::move(extraction));
}

}  // namespace dspex
