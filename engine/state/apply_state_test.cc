#include "engine/state/apply_state.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/state/state_of.h"

namespace dspex {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::Program Program(const std::string& signature, bool is_chain_of_thought = false) {
  v1::Program program;
  v1::Module& module = *program.add_modules();
  module.set_id("qa");
  (is_chain_of_thought ? module.mutable_chain_of_thought() : module.mutable_predict())->set_signature(signature);
  return program;
}

struct Saved {
  std::string path = "";
  std::string instructions = "Answer.";
  std::vector<std::string> fields = {"Question:|${question}", "Answer:|${answer}"};
  std::string demos = "[]";
  std::string lm = "null";
  std::string more = "";
};

std::string Record(const Saved& saved) {
  std::vector<std::string> fields;
  for (const std::string& field : saved.fields) {
    const std::size_t bar = field.find('|');
    const std::string description = field.substr(bar + 1);
    fields.push_back(absl::StrCat("{\"prefix\":\"", field.substr(0, bar), "\",\"description\":",
                                  description == "null" ? "null" : absl::StrCat("\"", description, "\""), "}"));
  }
  return absl::StrCat("\"traces\":[],\"train\":[],\"demos\":", saved.demos, ",\"signature\":{\"instructions\":\"",
                      saved.instructions, "\",\"fields\":[", absl::StrJoin(fields, ","), "]}", saved.more,
                      ",\"lm\":", saved.lm);
}

// The text that DSPy would write.
std::string Text(const std::vector<Saved>& predictors) {
  std::vector<std::string> records;
  for (const Saved& saved : predictors) {
    const std::string record = Record(saved);
    records.push_back(saved.path.empty() ? record : absl::StrCat("\"", saved.path, "\":{", record, "}"));
  }
  return WriteState(*ReadState(
      absl::StrCat("{", absl::StrJoin(records, ","), ",\"metadata\":{\"dependency_versions\":{\"dspy\":\"3.4.1\"}}}")));
}

absl::StatusOr<AppliedState> Import(const v1::Program& program, const Saved& saved, bool keep_endpoints = false) {
  return ApplyState(program, *ReadState(Text({saved})), {.keep_endpoints = keep_endpoints});
}

std::string Export(const v1::Program& program, const StateOfOptions& options = {}) {
  const auto state = StateOf(program, options);
  return state.ok() ? WriteState(*state) : std::string(state.status().message());
}

std::string MismatchOf(const v1::Program& program, const Saved& saved) {
  const absl::Status status = Import(program, saved).status();
  EXPECT_EQ(ErrorReason(status), "STATE_MISMATCH") << status;
  return std::string(status.message());
}

TEST(ApplyStateTest, PredictTakesWhatWasLearned) {
  const Saved saved{.demos = R"([{"augmented":true,"question":"q","answer":1.50,"dspy_uuid":"u"}])",
                    .lm =
                        R"({"_dspy_lm_class":"dspy.clients.lm.LM","model":"openai/gpt-4o-mini","temperature":0.00001,)"
                        R"("max_tokens":100,"stop":"x","cache":true,"finetuning_model":null,"launch_kwargs":{}})"};
  const auto applied = Import(Program("question -> answer"), saved);
  ASSERT_TRUE(applied.ok()) << applied.status();
  const v1::Module& module = applied->program.modules(0);
  EXPECT_EQ(module.lm(), "openai/gpt-4o-mini");
  EXPECT_EQ(module.predict().signature(), "question -> answer");  // Nothing needs the structured form.
  EXPECT_EQ(module.predict().instructions(), "Answer.");
  EXPECT_EQ(module.predict().options().temperature(), 1e-5);
  EXPECT_EQ(module.predict().options().max_tokens(), 100);
  EXPECT_THAT(module.predict().options().stop(), ElementsAre("x"));
  ASSERT_EQ(module.predict().demos_size(), 1);
  EXPECT_EQ(module.predict().demos(0).fields_json(),
            R"({"augmented":true,"question":"q","answer":1.50,"dspy_uuid":"u"})");
  EXPECT_THAT(applied->warnings, IsEmpty());
  EXPECT_EQ(Export(applied->program), Text({saved}));
}

TEST(ApplyStateTest, TheSameStateAgainChangesNothing) {
  const Saved saved{.fields = {"Q!|what", "Answer:|${answer}"}, .lm = R"({"model":"gpt-4o","temperature":0.5})"};
  const auto once = Import(Program("question -> answer"), saved);
  ASSERT_TRUE(once.ok()) << once.status();
  EXPECT_EQ(once->program.modules(0).lm(), "openai/gpt-4o");
  const auto twice = Import(once->program, saved);
  ASSERT_TRUE(twice.ok()) << twice.status();
  EXPECT_TRUE(MessageDifferencer::Equals(once->program, twice->program));
}

TEST(ApplyStateTest, LabelsAndDescriptionsNeedTheStructuredForm) {
  const Saved saved{.fields = {"Question:|What is asked.", "Sum:|${total}"}};
  const auto applied = Import(Program("question, -> total: list[int]"), saved);
  ASSERT_TRUE(applied.ok()) << applied.status();
  const v1::Signature& signature = applied->program.modules(0).predict().structured_signature();
  ASSERT_EQ(signature.inputs_size(), 1);
  EXPECT_EQ(signature.inputs(0).name(), "question");
  EXPECT_EQ(signature.inputs(0).type(), "");
  EXPECT_EQ(signature.inputs(0).description(), "What is asked.");
  EXPECT_EQ(signature.inputs(0).prefix(), "");
  EXPECT_EQ(signature.outputs(0).type(), "list[int]");
  EXPECT_EQ(signature.outputs(0).prefix(), "Sum:");
  EXPECT_EQ(signature.outputs(0).description(), "");
  EXPECT_EQ(Export(applied->program), Text({saved}));
}

TEST(ApplyStateTest, ChainOfThoughtHasItsReasoningFirst) {
  const Saved saved{.path = "predict",
                    .fields = {"Question:|${question}", "Reasoning:|${reasoning}", "Answer:|${answer}"}};
  const auto applied = Import(Program("question -> answer", true), saved);
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_FALSE(applied->program.modules(0).chain_of_thought().has_rationale());
  EXPECT_EQ(Export(applied->program), Text({saved}));

  const Saved other{.path = "cot.predict",
                    .fields = {"Question:|${question}", "Think:|step by step", "Answer:|${answer}"}};
  const auto changed = Import(Program("question -> answer", true), other);
  ASSERT_TRUE(changed.ok()) << changed.status();
  const v1::Predictor& predictor = changed->program.modules(0).chain_of_thought();
  EXPECT_TRUE(predictor.has_signature());
  EXPECT_EQ(predictor.rationale().prefix(), "Think:");
  EXPECT_EQ(predictor.rationale().description(), "step by step");
  EXPECT_EQ(Export(changed->program), Text({other}));
}

TEST(ApplyStateTest, FieldsOfWhichNothingIsSaidStayByteForByte) {
  const Saved saved{.instructions = "", .fields = {"|null", "Answer:|"}};
  const auto applied = Import(Program("question -> answer"), saved);
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_THAT(applied->warnings, ElementsAre(HasSubstr("empty instructions")));
  EXPECT_TRUE(applied->program.modules(0).predict().has_signature());
  EXPECT_EQ(Export(applied->program), Text({saved}));
}

TEST(ApplyStateTest, AnotherNumberOfPredictors) {
  const absl::Status status = ApplyState(Program("a -> b"), *ReadState(Text({{.path = "y"}, {.path = "x"}}))).status();
  EXPECT_EQ(ErrorReason(status), "STATE_MISMATCH");
  EXPECT_EQ(ErrorMetadata(status, "expected"), "1");
  EXPECT_EQ(ErrorMetadata(status, "actual"), "2");
}

TEST(ApplyStateTest, AnotherNumberOfFields) {
  EXPECT_THAT(MismatchOf(Program("question, context -> answer"), {}), HasSubstr("has 2 fields"));
  EXPECT_THAT(MismatchOf(Program("question -> answer", true), {.path = "predict"}),
              HasSubstr("here it is a ChainOfThought of 3 (question, reasoning, answer)"));
}

TEST(ApplyStateTest, AnotherOrderOfFields) {
  EXPECT_THAT(MismatchOf(Program("answer -> question"), {}),
              HasSubstr("field 1 of the predictor is question, here it is answer"));
  EXPECT_THAT(MismatchOf(Program("answer -> question"), {.fields = {"Question:|what", "Answer:|that"}}),
              HasSubstr("field 1 of the predictor has the label of question, here it is answer"));
  EXPECT_THAT(MismatchOf(Program("question -> label"), {}),
              HasSubstr("field 2 of the predictor is answer, here it is label"));
}

TEST(ApplyStateTest, AnotherKindOfPredictor) {
  EXPECT_THAT(MismatchOf(Program("question -> answer", true),
                         {.fields = {"Question:|${question}", "Reasoning:|${reasoning}", "Answer:|${answer}"}}),
              HasSubstr("it has a Predict alone where this program has a ChainOfThought at predict"));
  const absl::Status flex =
      ApplyState(Program("a -> b"),
                 *ReadState(R"({"self":{"module_src":"x","lm":null},"metadata":{"dependency_versions":{}}})"))
          .status();
  EXPECT_EQ(ErrorReason(flex), "STATE_MISMATCH");
}

TEST(ApplyStateTest, AnotherPathThanTheStateBefore) {
  const auto applied = Import(Program("question -> answer"), {.path = "first"});
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_THAT(MismatchOf(applied->program, {.path = "second"}), HasSubstr("it has second"));
}

TEST(ApplyStateTest, SeveralModules) {
  v1::Program program = Program("question -> answer");
  *program.add_modules() = Program("question -> answer", true).modules(0);
  program.mutable_modules(1)->set_id("cot");
  const Saved cot{.path = "cot.predict",
                  .fields = {"Question:|${question}", "Reasoning:|${reasoning}", "Answer:|${answer}"}};
  const std::string text = Text({{.path = "qa"}, cot});
  const auto applied = ApplyState(program, *ReadState(text));
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_EQ(Export(applied->program), text);
  EXPECT_EQ(ErrorReason(ApplyState(program, *ReadState(Text({cot, {.path = "qa"}}))).status()), "STATE_MISMATCH");
}

TEST(ApplyStateTest, EndpointsAndKeysAreLeftOut) {
  const Saved saved{
      .lm = R"({"model":"openai/m","api_base":"http://evil","base_url":"u","model_list":[],"api_key":"k"})"};
  const auto applied = Import(Program("question -> answer"), saved);
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_THAT(applied->warnings, ElementsAre(HasSubstr("left out: api_base, base_url, model_list, api_key.")));
  EXPECT_EQ(Export(applied->program), Text({{.lm = R"({"model":"openai/m"})"}}));
  EXPECT_THAT(applied->program.DebugString(), ::testing::Not(HasSubstr("evil")));

  const auto kept = Import(Program("question -> answer"), saved, true);
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_THAT(kept->warnings, Contains(HasSubstr("left out: api_key.")));
  EXPECT_EQ(Export(kept->program),
            Text({{.lm = R"({"model":"openai/m","api_base":"http://evil","base_url":"u","model_list":[]})"}}));
}

TEST(ApplyStateTest, WhatHasNoPlaceIsKeptAndSaid) {
  const Saved saved{
      .lm = R"({"model":"openai/m","num_retries":7,"cache":false,"n":"many","headers":{"a":"b"},"seed":null})",
      .more = R"(,"fields":{},"mine":[1])"};
  const auto applied = Import(Program("question -> answer"), saved);
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_THAT(applied->warnings, ElementsAre(HasSubstr("kept for the export: num_retries, cache, n, headers."),
                                             HasSubstr("kept for the export: mine.")));
  EXPECT_FALSE(applied->program.modules(0).predict().has_options());
  EXPECT_EQ(Export(applied->program), Text({saved}));
}

TEST(ApplyStateTest, EveryOptionThatHasAPlace) {
  const Saved saved{.lm =
                        R"({"model":"openai/m","temperature":1,"top_p":0.5,"max_completion_tokens":9,"stop":["a","b"],)"
                        R"("seed":-3,"frequency_penalty":0.25,"presence_penalty":-1,"num_generations":2,)"
                        R"("rollout_id":4,"reasoning_effort":"low","store":false,)"
                        R"("logprobs":true,"top_logprobs":3})"};
  const auto applied = Import(Program("question -> answer"), saved);
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_THAT(applied->warnings, IsEmpty());
  const v1::LmOptions& options = applied->program.modules(0).predict().options();
  EXPECT_EQ(options.temperature(), 1);
  EXPECT_EQ(options.top_p(), 0.5);
  EXPECT_EQ(options.max_tokens(), 9);
  EXPECT_THAT(options.stop(), ElementsAre("a", "b"));
  EXPECT_EQ(options.seed(), -3);
  EXPECT_EQ(options.frequency_penalty(), 0.25);
  EXPECT_EQ(options.presence_penalty(), -1);
  EXPECT_EQ(options.n(), 2);
  EXPECT_EQ(options.rollout_id(), 4);
  EXPECT_EQ(options.reasoning_effort(), "low");
  EXPECT_TRUE(options.has_store());
  EXPECT_FALSE(options.store());
  EXPECT_TRUE(options.logprobs());
  EXPECT_EQ(options.top_logprobs(), 3);
  EXPECT_EQ(Export(applied->program), Text({saved}));
}

TEST(ApplyStateTest, TheProgramsOwnOptionsStayInForce) {
  v1::Program program = Program("question -> answer");
  program.mutable_modules(0)->mutable_predict()->mutable_options()->set_temperature(0.9);
  const Saved saved{.lm = R"({"model":"openai/m","temperature":0.1,"top_p":0.5})"};
  const auto applied = Import(program, saved);
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_THAT(applied->warnings, ElementsAre(HasSubstr("stay in force: temperature.")));
  EXPECT_EQ(applied->program.modules(0).predict().options().temperature(), 0.9);
  EXPECT_EQ(applied->program.modules(0).predict().options().top_p(), 0.5);
}

TEST(ApplyStateTest, AStateTakesTheLanguageModelOfTheOneBeforeAway) {
  const auto first =
      Import(Program("question -> answer"), {.lm = R"({"model":"openai/m","temperature":0.1,"seed":1})"});
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = Import(first->program, {.lm = R"({"model":"openai/x","temperature":0.2})"});
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_THAT(second->warnings, IsEmpty());
  EXPECT_EQ(second->program.modules(0).lm(), "openai/x");
  EXPECT_EQ(second->program.modules(0).predict().options().temperature(), 0.2);
  EXPECT_FALSE(second->program.modules(0).predict().options().has_seed());
  const auto third = Import(second->program, {});
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_EQ(third->program.modules(0).lm(), "");
  EXPECT_FALSE(third->program.modules(0).predict().has_options());
}

TEST(ApplyStateTest, TheDemosOfTheProgramThatWasSavedKeepTheirTypes) {
  constexpr char kTyped[] = R"({"question": {"url": "https://example.com/x.png"}, "answer": "2024-03-01T12:00:00Z"})";
  constexpr char kWritten[] = R"({"question":"<<image>>","answer":"2024-03-01T12:00:00+00:00"})";
  v1::Program program = Program("question: dspy.Image -> answer: datetime.datetime");
  v1::Predictor& own = *program.mutable_modules(0)->mutable_predict();
  own.add_demos()->set_fields_json(kTyped);
  own.add_demos()->set_fields_json(R"({"question": null, "answer": "\u00fc"})");
  const Saved saved{.demos = absl::StrCat("[", kWritten, R"(,{"question":null,"answer":"ü"}])")};
  const auto applied = ApplyState(program, *ReadState(Text({saved})), {.keep_demos = true});
  ASSERT_TRUE(applied.ok()) << applied.status();
  const v1::Predictor& predictor = applied->program.modules(0).predict();
  EXPECT_EQ(predictor.demos(0).fields_json(), kTyped);
  EXPECT_EQ(applied->program.saved_state().predictors(0).demos_size(), 1) << "the other one has no types to keep";
  EXPECT_EQ(Export(applied->program), Text({saved}));

  // What is changed or moved here is exported as it is now.
  v1::Program changed = applied->program;
  google::protobuf::RepeatedPtrField<v1::Example>& demos =
      *changed.mutable_modules(0)->mutable_predict()->mutable_demos();
  demos.SwapElements(0, 1);
  demos.Mutable(0)->set_fields_json(R"({"question":null,"answer":"x"})");
  EXPECT_EQ(Export(changed), Text({{.demos = absl::StrCat(R"([{"question":null,"answer":"x"},)", kWritten, "]")}}));

  const auto without = ApplyState(program, *ReadState(Text({saved})));
  EXPECT_EQ(without->program.modules(0).predict().demos(0).fields_json(), kWritten);
}

TEST(ApplyStateTest, WhatCannotRun) {
  const absl::Status status =
      Import(Program("question -> answer"), {.lm = R"({"_dspy_lm_class":"dspy.clients.typesafe.TypeSafe"})"}).status();
  EXPECT_EQ(ErrorReason(status), "UNSUPPORTED");
  v1::Program react;
  react.add_modules()->mutable_react();
  EXPECT_EQ(ErrorReason(ApplyState(react, *ReadState(Text({{}}))).status()), "UNSUPPORTED");
  EXPECT_EQ(ErrorReason(ApplyState(Program("no arrow"), *ReadState(Text({{}}))).status()), "INVALID_SIGNATURE");
}

TEST(StateOfTest, AProgramThatNeverHadAState) {
  v1::Program program = Program("question -> answer");
  v1::Module& module = *program.mutable_modules(0);
  v1::Example& demo = *module.mutable_predict()->add_demos();
  for (const char* key : {"zeta", "answer", "question"}) {
    (*demo.mutable_fields()->mutable_fields())[key].set_string_value("v");
  }
  const StateOfOptions options{
      .default_instructions = [](const Signature& signature) { return signature.inputs()[0].name + "?"; },
      .dependency_versions = {{"dspy", "3.4.1"}}};
  EXPECT_EQ(Export(program, options),
            Text({{.instructions = "question?", .demos = R"([{"question":"v","answer":"v","zeta":"v"}])"}}));

  module.set_lm("openai/m");
  module.mutable_predict()->mutable_options()->set_temperature(0.00001);
  module.mutable_predict()->mutable_options()->add_stop("x");
  module.mutable_predict()->set_instructions("  Do.\n  It.");
  module.mutable_predict()->clear_demos();
  EXPECT_EQ(
      Export(program, options),
      Text({{.instructions = "Do.\\nIt.",
             .lm = R"({"_dspy_lm_class":"dspy.clients.lm.LM","model":"openai/m","model_type":"chat","cache":true,)"
                   R"("num_retries":3,"temperature":0.00001,"max_tokens":null,"stop":["x"],)"
                   R"("finetuning_model":null,"launch_kwargs":{},"train_kwargs":{}})"}}));
}

TEST(StateOfTest, WhatWasChangedHereIsReplaced) {
  const Saved saved{.demos = R"([{"question":"q"}])",
                    .lm = R"({"model":"openai/m","temperature":0.1,"max_tokens":5,"keep":1.50})",
                    .more = R"(,"mine":1)"};
  auto applied = Import(Program("question -> answer"), saved);
  ASSERT_TRUE(applied.ok()) << applied.status();
  v1::Module& module = *applied->program.mutable_modules(0);
  module.set_lm("openai/x");
  module.mutable_predict()->mutable_options()->set_temperature(0.9);
  module.mutable_predict()->mutable_options()->clear_max_tokens();
  module.mutable_predict()->mutable_options()->set_seed(3);  // The program's own: a Predict's config is not saved.
  module.mutable_predict()->set_instructions("New.");
  module.mutable_predict()->add_demos()->set_fields_json("{ \"question\" : 1.0 }");
  EXPECT_EQ(Export(applied->program),
            Text({{.instructions = "New.",
                   .demos = R"([{"question":"q"},{"question":1.0}])",
                   .lm = R"({"model":"openai/x","temperature":0.9,"max_tokens":null,"keep":1.50})",
                   .more = R"(,"mine":1)"}}));
  module.clear_lm();
  EXPECT_THAT(Export(applied->program), HasSubstr("\"lm\": null"));
}

TEST(StateOfTest, AnotherSignatureThanWhenTheStateCame) {
  auto applied =
      Import(Program("question -> answer"), {.fields = {"Question:|${question}", "Answer:|"}, .more = R"(,"mine":1)"});
  ASSERT_TRUE(applied.ok()) << applied.status();
  applied->program.mutable_modules(0)->mutable_predict()->set_signature("question, hint -> answer");
  EXPECT_EQ(
      Export(applied->program),
      Text({{.fields = {"Question:|${question}", "Hint:|${hint}", "Answer:|${answer}"}, .more = R"(,"mine":1)"}}));
}

TEST(StateOfTest, WhatAClientSpoiled) {
  const auto applied = Import(Program("question -> answer"), {});
  ASSERT_TRUE(applied.ok()) << applied.status();
  v1::Program record = applied->program;
  record.mutable_saved_state()->mutable_predictors(0)->set_record_json("{");
  EXPECT_EQ(ErrorReason(StateOf(record).status()), "INVALID_JSON");
  record.mutable_saved_state()->mutable_predictors(0)->set_record_json("{}");
  EXPECT_EQ(ErrorReason(StateOf(record).status()), "INVALID_STATE");
  v1::Program metadata = applied->program;
  metadata.mutable_saved_state()->set_metadata_json("[");
  EXPECT_EQ(ErrorReason(StateOf(metadata).status()), "INVALID_JSON");
  v1::Program demo = applied->program;
  demo.mutable_modules(0)->mutable_predict()->add_demos()->set_fields_json("[]");
  EXPECT_EQ(ErrorReason(StateOf(demo).status()), "INVALID_STATE");
  // Importing again mends it.
  EXPECT_TRUE(Import(record, {}).ok());
}

}  // namespace
}  // namespace dspex
