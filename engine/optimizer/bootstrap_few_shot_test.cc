#include "engine/optimizer/bootstrap_few_shot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/optimizer/testing.h"

namespace dspex {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

v1::CompileSpec Spec(int bootstrapped, int labeled, int rounds = 1, double threshold = 0) {
  v1::CompileSpec spec;
  v1::BootstrapFewShot& settings = *spec.mutable_bootstrap_few_shot();
  settings.set_max_bootstrapped_demos(bootstrapped);
  settings.set_max_labeled_demos(labeled);
  settings.set_max_rounds(rounds);
  settings.set_metric_threshold(threshold);
  return spec;
}

class BootstrapTest : public ::testing::Test {
 protected:
  absl::StatusOr<OptimizerResult> Run(const v1::CompileSpec& spec, ScriptedEvaluator& evaluator, int examples = 12) {
    const NumberedExamples trainset(examples);
    return Optimize(spec, {.evaluator = &evaluator,
                           .observer = &observer_,
                           .trainset = &trainset,
                           .student = &student_,
                           .teacher = teacher_.modules().empty() ? nullptr : &teacher_});
  }

  ProgramParameters Made(const v1::CompileSpec& spec, ScriptedEvaluator& evaluator, int examples = 12) {
    const absl::StatusOr<OptimizerResult> result = Run(spec, evaluator, examples);
    EXPECT_TRUE(result.ok()) << result.status();
    if (!result.ok()) return {};
    EXPECT_EQ(result->best, 0);
    EXPECT_FALSE(result->candidates.at(0).score.has_value());
    return result->candidates.at(0).parameters;
  }

  v1::Program student_ = ProgramOf({"one", "two"});
  v1::Program teacher_;
  KeepingObserver observer_;
};

// Fails the teacher for one example.
ScriptedEvaluator FailingFor(std::int64_t index) {
  return ScriptedEvaluator([index](const CandidateRun&, ExampleOutcome outcome) {
    if (outcome.index == index) {
      outcome.status = absl::DataLossError("no answer");
      outcome.outputs = Json();
    }
    return outcome;
  });
}

TEST_F(BootstrapTest, LabelledExamplesFillUpByOneGeneratorForAllModules) {
  ScriptedEvaluator evaluator;
  const ProgramParameters made = Made(Spec(0, 5), evaluator);
  // DSPy's choice for these sizes.
  EXPECT_THAT(DemosOf(made, 0), ElementsAre("q3", "q6", "q1", "q10", "q7"));
  EXPECT_THAT(DemosOf(made, 1), ElementsAre("q3", "q10", "q7", "q2", "q5"));
  EXPECT_THAT(evaluator.runs, IsEmpty());
  EXPECT_THAT(observer_.decisions, Contains("0 q6 demo: a labelled example, drawn for one"));
}

TEST_F(BootstrapTest, TheTeachersStepsBecomeDemosUntilThereAreEnough) {
  ScriptedEvaluator evaluator([](const CandidateRun&, ExampleOutcome outcome) {
    outcome.score = outcome.index == 0 ? 0 : outcome.index == 1 ? -0.5 : 0.25;
    return outcome;
  });
  const ProgramParameters made = Made(Spec(2, 3), evaluator);
  EXPECT_THAT(DemosOf(made, 0), ElementsAre("q1*", "q2*", Not(Contains('*'))));
  EXPECT_EQ(made[0].demos[0].dump(), R"({"augmented":true,"q":"q1","a":"t1"})");
  EXPECT_THAT(evaluator.runs, SizeIs(3));
  EXPECT_EQ(evaluator.runs[1].lane, "bootstrap 0 round 0");
  EXPECT_TRUE(evaluator.runs[1].teacher && evaluator.runs[1].capture_traces);
  EXPECT_THAT(observer_.decisions, Contains("0 q0 not a demo: the teacher's score is 0.0"));
  EXPECT_THAT(observer_.decisions, Contains("0 q1 demo: the teacher's score is -0.5"));
}

TEST_F(BootstrapTest, AThresholdDecides) {
  ScriptedEvaluator evaluator([](const CandidateRun&, ExampleOutcome outcome) {
    outcome.score = static_cast<double>(outcome.index) / 4;
    return outcome;
  });
  EXPECT_THAT(DemosOf(Made(Spec(2, 0, 1, 0.5), evaluator)), ElementsAre("q2*", "q3*"));
  EXPECT_THAT(observer_.decisions, Contains("0 q1 not a demo: the teacher's score is 0.25, below 0.5"));
}

TEST_F(BootstrapTest, LaterRoundsAskAnew) {
  ScriptedEvaluator evaluator([](const CandidateRun& run, ExampleOutcome outcome) {
    outcome.score = run.call.options.rollout_id == 2 ? 1 : 0;
    return outcome;
  });
  EXPECT_THAT(DemosOf(Made(Spec(1, 0, 3), evaluator)), ElementsAre("q0*"));
  ASSERT_THAT(evaluator.runs, SizeIs(3));
  EXPECT_FALSE(evaluator.runs[0].call.options.temperature.has_value());
  EXPECT_EQ(evaluator.runs[1].call.options.temperature, 1.0);
  EXPECT_EQ(evaluator.runs[1].call.options.rollout_id, 1);
  EXPECT_EQ(evaluator.runs[2].lane, "bootstrap 0 round 2");
}

TEST_F(BootstrapTest, TheTeacherDoesNotSeeTheExample) {
  ScriptedEvaluator evaluator = FailingFor(1);
  Made(Spec(4, 4), evaluator, 4);
  ASSERT_THAT(evaluator.runs, SizeIs(4));
  // q1's demo stays away after the teacher failed, as in DSPy.
  const std::vector<std::vector<std::string>> missing = {{"q0"}, {"q1"}, {"q1", "q2"}, {"q1", "q3"}};
  for (std::size_t run = 0; run < missing.size(); ++run) {
    const std::vector<std::string> shown = DemosOf(evaluator.runs[run].parameters);
    EXPECT_THAT(shown, SizeIs(4 - missing[run].size()));
    for (const std::string& id : missing[run]) EXPECT_THAT(shown, Not(Contains(id)));
  }
}

TEST_F(BootstrapTest, AFailedMetricKeepsTheTeachersDemo) {
  ScriptedEvaluator evaluator([](const CandidateRun&, ExampleOutcome outcome) {
    if (outcome.index == 1) outcome.status = absl::InvalidArgumentError("no score");
    return outcome;
  });
  Made(Spec(4, 4), evaluator, 4);
  EXPECT_THAT(DemosOf(evaluator.runs[2].parameters), Contains("q1"));
  EXPECT_THAT(observer_.decisions, Contains("0 q1 not a demo: its metric failed: no score"));
}

TEST_F(BootstrapTest, TooManyFailuresEndIt) {
  v1::CompileSpec spec = Spec(4, 4);
  spec.mutable_settings()->set_max_errors(3);
  ScriptedEvaluator evaluator([](const CandidateRun&, ExampleOutcome outcome) {
    outcome.status = absl::DataLossError("no answer");
    return outcome;
  });
  const auto result = Run(spec, evaluator);
  EXPECT_EQ(ErrorReason(result.status()), "TOO_MANY_FAILURES");
  EXPECT_THAT(result.status().message(), HasSubstr("no answer"));
  EXPECT_THAT(evaluator.runs, SizeIs(3));

  spec.mutable_settings()->set_max_errors(-1);
  EXPECT_THAT(DemosOf(Made(spec, evaluator)), SizeIs(4));
}

TEST_F(BootstrapTest, FrozenModulesStayAsTheyAre) {
  student_.mutable_modules(1)->mutable_predict()->add_demos()->set_fields_json(R"({"q":"mine","a":"b"})");
  v1::CompileSpec spec = Spec(2, 0);
  spec.add_frozen("two");
  ScriptedEvaluator evaluator;
  const ProgramParameters made = Made(spec, evaluator);
  EXPECT_THAT(DemosOf(made, 0), ElementsAre("q0*", "q1*"));
  EXPECT_THAT(DemosOf(made, 1), ElementsAre("mine"));
}

TEST_F(BootstrapTest, OfSeveralCallsTheLastBecomesTheDemo) {
  ScriptedEvaluator evaluator([](const CandidateRun&, ExampleOutcome outcome) {
    outcome.trace.calls.push_back({0, {{"q", "again"}}, {{"a", "b"}}});
    return outcome;
  });
  EXPECT_THAT(DemosOf(Made(Spec(1, 0), evaluator)), ElementsAre("again*"));
}

TEST_F(BootstrapTest, ATeacherThatHasLearnedKeepsItsDemos) {
  teacher_ = student_;
  v1::Example& demo = *teacher_.mutable_modules(0)->mutable_predict()->add_demos();
  demo.set_fields_json(R"({"augmented":true,"q":"learned","a":"b"})");
  ScriptedEvaluator evaluator;
  Made(Spec(1, 4), evaluator);
  EXPECT_THAT(DemosOf(evaluator.runs[0].parameters), ElementsAre("learned*"));

  demo.set_fields_json(R"({"q":"written","a":"b"})");
  Made(Spec(1, 4), evaluator);
  EXPECT_THAT(DemosOf(evaluator.runs[1].parameters), Not(Contains("written")));
  // Without labelled demos to replace them, they stay.
  Made(Spec(1, 0), evaluator);
  EXPECT_THAT(DemosOf(evaluator.runs[2].parameters), ElementsAre("written"));
}

TEST_F(BootstrapTest, ATeacherOfAnotherShapeIsRefused) {
  ScriptedEvaluator evaluator;
  teacher_ = ProgramOf({"one"});
  EXPECT_THAT(Run(Spec(1, 1), evaluator).status().message(), HasSubstr("has 1 modules, the student 2"));
  teacher_ = ProgramOf({"one", "three"});
  EXPECT_THAT(Run(Spec(1, 1), evaluator).status().message(), HasSubstr("three where the student has two"));
  teacher_ = ProgramOf({"one", "two"});
  teacher_.mutable_modules(1)->mutable_predict()->set_signature("q -> b");
  const absl::Status status = Run(Spec(1, 1), evaluator).status();
  EXPECT_THAT(status.message(), HasSubstr("other fields in the module two"));
  EXPECT_EQ(ErrorReason(status), "INVALID_REQUEST");
}

TEST_F(BootstrapTest, WhatCannotLearnIsRefused) {
  ScriptedEvaluator evaluator;
  EXPECT_THAT(Run(Spec(1, 1), evaluator, 0).status().message(), HasSubstr("trainset has no examples"));
  v1::CompileSpec spec = Spec(1, 1);
  spec.add_frozen("other");
  EXPECT_THAT(Run(spec, evaluator).status().message(), HasSubstr("'other', which is no module"));
  *spec.mutable_frozen() = {};
  spec.add_frozen("one");
  spec.add_frozen("two");
  EXPECT_THAT(Run(spec, evaluator).status().message(), HasSubstr("names all modules"));
}

TEST_F(BootstrapTest, ErrorsOfThePortsEndIt) {
  ScriptedEvaluator evaluator([](const CandidateRun&, ExampleOutcome) -> absl::StatusOr<ExampleOutcome> {
    return Error(absl::StatusCode::kResourceExhausted, "BUDGET_SPENT", "Spent.");
  });
  EXPECT_EQ(ErrorReason(Run(Spec(1, 1), evaluator).status()), "BUDGET_SPENT");
}

TEST(LabeledFewShotTest, SamplesOrTakesTheFirst) {
  const v1::Program student = ProgramOf({"one", "two"});
  const NumberedExamples trainset(20);
  v1::CompileSpec spec;
  spec.mutable_labeled_few_shot()->set_k(5);
  auto result = Optimize(spec, {.trainset = &trainset, .student = &student});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(DemosOf(result->candidates[0].parameters), ElementsAre("q12", "q13", "q1", "q8", "q15"));
  EXPECT_EQ(result->candidates[0].origin, "labels");

  spec.mutable_labeled_few_shot()->set_in_order(true);
  result = Optimize(spec, {.trainset = &trainset, .student = &student});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(DemosOf(result->candidates[0].parameters, 1), ElementsAre("q0", "q1", "q2", "q3", "q4"));
}

}  // namespace
}  // namespace dspex
