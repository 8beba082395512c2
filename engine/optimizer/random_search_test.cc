#include "engine/optimizer/random_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/optimizer/testing.h"

namespace dspex {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Scores candidates by their numbers.
ScriptedEvaluator Scoring(std::vector<double> scores) {
  return ScriptedEvaluator([scores](const CandidateRun& run, ExampleOutcome outcome) {
    if (run.candidate >= 0) outcome.score = scores.at(static_cast<std::size_t>(run.candidate));
    return outcome;
  });
}

class RandomSearchTest : public ::testing::Test {
 protected:
  RandomSearchTest() {
    v1::BootstrapFewShotWithRandomSearch& settings = *spec_.mutable_bootstrap_few_shot_with_random_search();
    settings.set_num_candidate_programs(3);
    settings.set_max_labeled_demos(2);
  }

  absl::StatusOr<OptimizerResult> Run(ScriptedEvaluator& evaluator) {
    const NumberedExamples trainset(8);
    const NumberedExamples valset(3);
    return Optimize(spec_, {.evaluator = &evaluator,
                            .observer = &observer_,
                            .trainset = &trainset,
                            .valset = &valset,
                            .student = &student_});
  }

  const v1::Program student_ = ProgramOf({"one"});
  v1::CompileSpec spec_;
  KeepingObserver observer_;
};

TEST_F(RandomSearchTest, TheFirstBestOfAllCandidatesWins) {
  ScriptedEvaluator evaluator = Scoring({0.1, 0.2, 0.7, 0.5, 0.7, 0});
  const auto result = Run(evaluator);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->best, 2);
  EXPECT_FALSE(result->stopped_at_score);
  std::vector<std::string> origins;
  std::vector<double> scores;
  for (const TriedCandidate& tried : result->candidates) {
    origins.push_back(tried.origin);
    scores.push_back(*tried.score);
  }
  EXPECT_THAT(origins, ElementsAre("zero-shot", "labels", "bootstrap", "bootstrap seed 0", "bootstrap seed 1",
                                   "bootstrap seed 2"));
  EXPECT_THAT(scores, ElementsAre(10, 20, 70, 50, 70, 0));
  EXPECT_THAT(result->candidates[0].parameters[0].demos, IsEmpty());
  EXPECT_THAT(DemosOf(result->candidates[1].parameters), SizeIs(2));
  EXPECT_THAT(DemosOf(result->candidates[2].parameters), ElementsAre("q0*", "q1*", "q2*", "q3*"));
  // Random(1).shuffle of eight, of which randint(1, 4) takes two.
  EXPECT_THAT(DemosOf(result->candidates[4].parameters), ElementsAre("q3*", "q6*"));
  EXPECT_EQ(observer_.decisions.back(), "2  chosen: its score, 70.0, is the highest of 6");
}

TEST_F(RandomSearchTest, AScoreEndsTheSearch) {
  spec_.mutable_bootstrap_few_shot_with_random_search()->set_stop_at_score(20);
  ScriptedEvaluator evaluator = Scoring({0.1, 0.2});
  const auto result = Run(evaluator);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->candidates, SizeIs(2));
  EXPECT_TRUE(result->stopped_at_score);
  EXPECT_EQ(result->best, 1);
}

TEST_F(RandomSearchTest, ASpentBudgetLeavesTheBestThatWasScored) {
  int runs = 0;
  ScriptedEvaluator evaluator([&runs](const CandidateRun&, ExampleOutcome outcome) -> absl::StatusOr<ExampleOutcome> {
    if (++runs > 6) return Error(absl::StatusCode::kResourceExhausted, "BUDGET_SPENT", "Spent.");
    outcome.score = runs > 3 ? 0.5 : 0.25;
    return outcome;
  });
  const auto result = Run(evaluator);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->stopped_by_budget);
  EXPECT_EQ(result->best, 1);
  EXPECT_THAT(result->candidates, SizeIs(2));

  runs = 6;
  EXPECT_EQ(ErrorReason(Run(evaluator).status()), "BUDGET_SPENT");
}

TEST_F(RandomSearchTest, TheSameRunMakesTheSameCalls) {
  ScriptedEvaluator first = Scoring({0.1, 0.2, 0.7, 0.5, 0.7, 0});
  ScriptedEvaluator second = Scoring({0.1, 0.2, 0.7, 0.5, 0.7, 0});
  ASSERT_TRUE(Run(first).ok());
  ASSERT_TRUE(Run(second).ok());
  ASSERT_EQ(first.runs.size(), second.runs.size());
  std::vector<std::string> lanes;
  for (std::size_t i = 0; i < first.runs.size(); ++i) {
    EXPECT_EQ(first.runs[i].lane, second.runs[i].lane);
    EXPECT_EQ(first.runs[i].parameters, second.runs[i].parameters);
    // The example is a part of the lane.
    lanes.push_back(first.runs[i].lane +
                    (first.runs[i].indices ? absl::StrCat(" ", first.runs[i].indices->front()) : ""));
  }
  std::sort(lanes.begin(), lanes.end());
  EXPECT_EQ(std::adjacent_find(lanes.begin(), lanes.end()), lanes.end());
}

}  // namespace
}  // namespace dspex
