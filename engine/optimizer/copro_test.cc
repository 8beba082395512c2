#include "engine/optimizer/copro.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "engine/base/error.h"
#include "engine/optimizer/testing.h"

namespace dspex {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

Json Completion(const std::string& instruction, const std::string& prefix = "A:") {
  return {{"proposed_instruction", instruction}, {"proposed_prefix_for_output_field", prefix}};
}

class CoproTest : public ::testing::Test {
 protected:
  CoproTest() {
    spec_.mutable_copro()->set_breadth(2);
    spec_.mutable_copro()->set_depth(2);
  }

  absl::StatusOr<OptimizerResult> Run(const v1::Program& student) {
    const NumberedExamples trainset(1);
    return Optimize(spec_, {.evaluator = &evaluator_,
                            .proposer = &proposer_,
                            .observer = &observer_,
                            .trainset = &trainset,
                            .student = &student});
  }

  static std::vector<std::string> Tried(const OptimizerResult& result, std::size_t module = 0) {
    std::vector<std::string> tried;
    for (const TriedCandidate& candidate : result.candidates) {
      tried.push_back(candidate.parameters.at(module).instructions);
    }
    return tried;
  }

  v1::CompileSpec spec_;
  KeepingObserver observer_;
  // By the first module's instructions and the second's.
  std::map<std::string, double> scores_;
  std::map<std::string, std::vector<Json>> completions_;
  int budget_ = 1000;
  ScriptedEvaluator evaluator_{
      [this](const CandidateRun& run, ExampleOutcome outcome) -> absl::StatusOr<ExampleOutcome> {
        if (budget_-- == 0) return Error(absl::StatusCode::kResourceExhausted, "BUDGET_SPENT", "Spent.");
        outcome.score = 0;
        for (const PredictorParameters& module : run.parameters) outcome.score += scores_[module.instructions];
        return outcome;
      }};
  ScriptedProposer proposer_{[this](const std::string& lane) { return completions_.at(lane); }};
};

TEST_F(CoproTest, TheBestOfWhatWasProposedWins) {
  v1::Program student = ProgramOf({"one"});
  student.mutable_modules(0)->mutable_predict()->set_instructions("Old.");
  student.mutable_modules(0)->mutable_predict()->add_demos()->set_fields_json(R"({"q":"x","a":"y"})");
  completions_["propose 0 one"] = {Completion("\" New.\"")};
  completions_["propose 1 one"] = {Completion("Better.", " \"So:\" "), Completion("Worse.")};
  scores_ = {{"Old.", 0.25}, {"New.", 0.5}, {"Better.", 0.75}};
  const auto result = Run(student);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(Tried(*result), ElementsAre("New.", "Old.", "Better.", "Worse."));
  EXPECT_EQ(result->best, 2);
  const PredictorParameters& best = result->candidates[2].parameters[0];
  EXPECT_EQ(best.prefix, "\"So:\"");  // Quotes go before white space does.
  EXPECT_THAT(DemosOf({best}), ElementsAre("x"));

  ASSERT_THAT(proposer_.predictors, SizeIs(2));
  EXPECT_EQ(proposer_.predictors[0].options().n(), 1);
  EXPECT_EQ(proposer_.predictors[1].options().n(), 2);
  EXPECT_EQ(proposer_.predictors[1].options().temperature(), 1.4);
  EXPECT_EQ(proposer_.asked[0], Json({{"basic_instruction", "Old."}}));
  // The wording is the phrasebook's.
  EXPECT_EQ(proposer_.asked[1].at("attempted_instructions"),
            Json({"Attempt 1, instruction: Old.", "Attempt 1, opening of the answer: A:",
                  "Attempt 1, score out of 100: 25.0", "Attempt 2, instruction: New.",
                  "Attempt 2, opening of the answer: A:", "Attempt 2, score out of 100: 50.0"}));
}

TEST_F(CoproTest, SeveralModulesAreTriedTogether) {
  completions_["propose 0 one"] = {Completion("One.")};
  completions_["propose 0 two"] = {Completion("Two.")};
  completions_["propose 1 one"] = {Completion("Uno."), Completion("Una.")};
  completions_["propose 1 two"] = {Completion("Due."), Completion("")};
  scores_ = {{"One.", 0.2}, {"Two.", 0.3}, {"Uno.", 0.1}};
  const auto result = Run(ProgramOf({"one", "two"}));
  ASSERT_TRUE(result.ok()) << result.status();
  const std::string sentence = "From `q`, work out `a`.";
  // Beside the other module's best, all proposals are tried again.
  EXPECT_THAT(Tried(*result, 0), ElementsAre("One.", sentence, "One.", "One.",  //
                                             "One.", sentence, "Uno.", "Una.",  //
                                             "One.", "One.", "One.", "One."));
  EXPECT_THAT(Tried(*result, 1), ElementsAre("", "", "Two.", sentence,        //
                                             "Two.", "Two.", "Two.", "Two.",  //
                                             "Two.", sentence, "Due.", sentence));
  // The first module's attempts come first.
  EXPECT_EQ(result->best, 4);
  EXPECT_EQ(*result->candidates[4].score, 50);
}

TEST_F(CoproTest, FrozenModulesKeepTheirInstructions) {
  spec_.add_frozen("one");
  completions_["propose 0 two"] = {Completion("Two.")};
  completions_["propose 1 two"] = {Completion("Due."), Completion("Zwei.")};
  const auto result = Run(ProgramOf({"one", "two"}));
  ASSERT_TRUE(result.ok()) << result.status();
  // With one module that learns, only new proposals are tried.
  EXPECT_THAT(Tried(*result, 1), ElementsAre("Two.", "From `q`, work out `a`.", "Due.", "Zwei."));
  EXPECT_THAT(proposer_.lanes, ElementsAre("propose 0 two", "propose 1 two"));
}

TEST_F(CoproTest, ASpentBudgetLeavesTheBestThatWasScored) {
  completions_["propose 0 one"] = {Completion("One.")};
  scores_ = {{"One.", 0.2}};
  budget_ = 1;
  const auto result = Run(ProgramOf({"one"}));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->stopped_by_budget);
  EXPECT_EQ(result->best, 0);
  EXPECT_FALSE(result->candidates[1].score.has_value());

  budget_ = 0;
  EXPECT_EQ(ErrorReason(Run(ProgramOf({"one"})).status()), "BUDGET_SPENT");
}

TEST_F(CoproTest, ALongPrefixIsCut) {
  completions_["propose 0 one"] = {Completion("One.", std::string(5000, 'x'))};
  completions_["propose 1 one"] = {};
  const auto result = Run(ProgramOf({"one"}));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->candidates[0].parameters[0].prefix, SizeIs(1024));
}

TEST(MakeOptimizerTest, SettingsOutOfRangeAreNamed) {
  const auto message = [](const std::function<void(v1::CompileSpec&)>& set) {
    v1::CompileSpec spec;
    set(spec);
    const absl::Status status = MakeOptimizer(spec).status();
    EXPECT_EQ(ErrorReason(status), "INVALID_REQUEST");
    return std::string(status.message());
  };
  EXPECT_EQ(message([](v1::CompileSpec&) {}),
            "The spec does not say which optimizer is to run. Set one, for example bootstrap_few_shot.");
  EXPECT_EQ(message([](v1::CompileSpec& spec) { spec.mutable_labeled_few_shot()->set_k(-1); }),
            "labeled_few_shot.k is -1. Give a number from 1 to 1000.");
  EXPECT_EQ(message([](v1::CompileSpec& spec) { spec.mutable_bootstrap_few_shot()->set_max_rounds(101); }),
            "bootstrap_few_shot.max_rounds is 101. Give a number from 1 to 100.");
  EXPECT_EQ(message([](v1::CompileSpec& spec) {
              spec.mutable_bootstrap_few_shot_with_random_search()->set_max_bootstrapped_demos(0);
            }),
            "bootstrap_few_shot_with_random_search.max_bootstrapped_demos is 0. Give a number from 1 to 1000.");
  EXPECT_EQ(message([](v1::CompileSpec& spec) { spec.mutable_copro()->set_breadth(1); }),
            "copro.breadth is 1. Give a number from 2 to 64.");
  EXPECT_EQ(message([](v1::CompileSpec& spec) { spec.mutable_copro()->set_init_temperature(3); }),
            "copro.init_temperature is 3. Give a number from 0 to 2.");
}

}  // namespace
}  // namespace dspex
