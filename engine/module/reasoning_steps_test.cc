#include "engine/module/reasoning_steps.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "dspex/v1/values.pb.h"
#include "engine/module/reasoning_steps_proto.h"

namespace dspex {

void PrintTo(const ReasoningIssue& issue, std::ostream* out) {
  *out << "{kind " << static_cast<int>(issue.kind) << ", step " << issue.step << ", other " << issue.other << "}";
}

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = ReasoningIssue::Kind;

std::vector<std::string> Texts(absl::string_view text) {
  std::vector<std::string> texts;
  for (const ReasoningStep& step : ParseReasoning(text).steps) texts.push_back(step.text);
  return texts;
}

std::vector<int> Numbers(absl::string_view text) {
  std::vector<int> numbers;
  for (const ReasoningStep& step : ParseReasoning(text).steps) numbers.push_back(step.number);
  return numbers;
}

std::vector<ReasoningIssue> Issues(absl::string_view text) { return ParseReasoning(text).issues; }

TEST(ReasoningStepsTest, Nothing) {
  EXPECT_THAT(Texts(""), IsEmpty());
  EXPECT_THAT(Texts(" \n\t\n "), IsEmpty());
}

TEST(ReasoningStepsTest, NumberedLines) {
  constexpr absl::string_view kText =
      "Let's think it through.\n"
      "1. There are 3 boxes.\n"
      "2) Each holds 4.5 kg, which is\n"
      "   about 10 pounds.\n"
      "3. So 13.5 kg.\n";
  EXPECT_THAT(Texts(kText),
              ElementsAre("There are 3 boxes.", "Each holds 4.5 kg, which is\n   about 10 pounds.", "So 13.5 kg."));
  EXPECT_THAT(Numbers(kText), ElementsAre(1, 2, 3));
  const ReasoningStep step = ParseReasoning(kText).steps[1];
  EXPECT_EQ(kText.substr(step.begin, step.end - step.begin), "2) Each holds 4.5 kg, which is\n   about 10 pounds.");
}

TEST(ReasoningStepsTest, NestedListsBelongToTheirStep) {
  EXPECT_THAT(Texts("1. Gather:\n   1. flour\n   2. eggs\n2. Mix:\n- slowly\n- for a minute\n"),
              ElementsAre("Gather:\n   1. flour\n   2. eggs", "Mix:\n- slowly\n- for a minute"));
}

TEST(ReasoningStepsTest, StepWords) {
  EXPECT_THAT(Texts("Step 1: Read.\nStep 2 - Count.\n\nStep 3. Answer."), ElementsAre("Read.", "Count.", "Answer."));
  EXPECT_THAT(Texts("### Step 1\nRead it.\n### Step 2\nCount it."), ElementsAre("Read it.", "Count it."));
  EXPECT_THAT(Texts("**Step 1: Find the total.** It is 12.\n**Step 2**: Halve it."),
              ElementsAre("Find the total. It is 12.", "Halve it."));
  EXPECT_THAT(Texts("STEP 1: a\nstep 2: b"), ElementsAre("a", "b"));
  EXPECT_THAT(Texts("Step 1: only this"), ElementsAre("only this"));
}

TEST(ReasoningStepsTest, StepWordsHoldNumberedLines) {
  EXPECT_THAT(Texts("Step 1: List.\n1. x\n2. y\nStep 2: Add."), ElementsAre("List.\n1. x\n2. y", "Add."));
}

TEST(ReasoningStepsTest, NumbersWithinOneLine) {
  EXPECT_THAT(Texts("1. Two apples. 2. Three pears. 3. That is 5."),
              ElementsAre("Two apples.", "Three pears.", "That is 5."));
  EXPECT_THAT(Texts("We do this: (1) find x, (2) add 7. (3) stop"), ElementsAre("find x,", "add 7.", "stop"));
  EXPECT_THAT(Texts("Step 1: open it. Step 2: look."), ElementsAre("open it.", "look."));
}

TEST(ReasoningStepsTest, NumbersThatCountNothing) {
  EXPECT_THAT(Texts("In 1969. 12. That was the month of 3. It is so"), SizeIs(::testing::Ge(1u)));
  EXPECT_THAT(Numbers("2024. A year.\n1999. Another."), ElementsAre(0, 0));
  EXPECT_THAT(Numbers("The price is 3.5 dollars. He has 2.5 dollars."), ElementsAre(0, 0));
}

TEST(ReasoningStepsTest, Bullets) {
  EXPECT_THAT(Texts("Facts:\n- it is red\n- it is round\n  - like a ball\n* so an apple"),
              ElementsAre("it is red", "it is round\n  - like a ball", "so an apple"));
  EXPECT_THAT(Texts("\u2022 eins\n\u2022 zwei"), ElementsAre("eins", "zwei"));
}

TEST(ReasoningStepsTest, Connectives) {
  EXPECT_THAT(Texts("First, find the sum. It is 9. Then divide by 3. Finally, the result is 3."),
              ElementsAre("First, find the sum. It is 9.", "Then divide by 3.", "Finally, the result is 3."));
  EXPECT_THAT(Texts("The train leaves at 9. Next, it stops in Ulm. Therefore it arrives at 11."),
              ElementsAre("The train leaves at 9.", "Next, it stops in Ulm.", "Therefore it arrives at 11."));
  EXPECT_THAT(Texts("Sockets and sofas. Firstborn sons. Nothing."),
              ElementsAre("Sockets and sofas.", "Firstborn sons.", "Nothing."));
}

TEST(ReasoningStepsTest, Paragraphs) {
  EXPECT_THAT(Texts("It is late. We know that.\n\nThe shop is shut.\n \nGo home."),
              ElementsAre("It is late. We know that.", "The shop is shut.", "Go home."));
}

TEST(ReasoningStepsTest, Lines) {
  EXPECT_THAT(Texts("x = 2\r\ny = 3\r\nx + y = 5"), ElementsAre("x = 2", "y = 3", "x + y = 5"));
}

TEST(ReasoningStepsTest, Sentences) {
  EXPECT_THAT(
      Texts("Dr. Smith paid $3.50, i.e. more than J. Doe. Was it much? \"No!\" he said. Yes..."),
      ElementsAre("Dr. Smith paid $3.50, i.e. more than J. Doe.", "Was it much?", "\"No!\" he said.", "Yes..."));
  EXPECT_THAT(Texts("The question asks for a color"), ElementsAre("The question asks for a color"));
  EXPECT_THAT(Texts("\u6771\u4EAC\u306F\u9996\u90FD\u3002\u4EBA\u53E3\u306F\u591A\u3044\u3002"),
              ElementsAre("\u6771\u4EAC\u306F\u9996\u90FD\u3002", "\u4EBA\u53E3\u306F\u591A\u3044\u3002"));
}

TEST(ReasoningStepsTest, AConclusionBehindTheListIsAStep) {
  constexpr absl::string_view kText = "1. A is true.\n2. B follows.\n\nTherefore, the answer is B.";
  EXPECT_THAT(Texts(kText), ElementsAre("A is true.", "B follows.", "Therefore, the answer is B."));
  EXPECT_THAT(Numbers(kText), ElementsAre(1, 2, 0));
  EXPECT_THAT(Texts("1. A\n2. B\n\nmore of B"), ElementsAre("A", "B\n\nmore of B"));
}

TEST(ReasoningStepsTest, ReferencesToStepsThatAreMissingOrLater) {
  EXPECT_THAT(Issues("1. Take 4.\n2. From step 5, take 6.\n3. By step 1, add 4 to step 2."),
              ElementsAre(ReasoningIssue{Kind::kMissingStep, 1, 5}));
  EXPECT_THAT(Issues("Step 1: Use the result of Step 3.\nStep 2: x\nStep 3: y"),
              ElementsAre(ReasoningIssue{Kind::kLaterStep, 0, 3}));
  EXPECT_THAT(Issues("1. a\n2. b\n3. From steps 1, 2 and 7 or 9\n4. steps 1-3, step two"),
              ElementsAre(ReasoningIssue{Kind::kMissingStep, 2, 7}, ReasoningIssue{Kind::kMissingStep, 2, 9}));
  EXPECT_THAT(Issues("- by step four\n- done"), ElementsAre(ReasoningIssue{Kind::kMissingStep, 0, 4}));
  EXPECT_THAT(Issues("- by step #2\n- done"), ElementsAre(ReasoningIssue{Kind::kLaterStep, 0, 2}));
  EXPECT_THAT(Issues("1. Footsteps 9 and misstep 8\n2. The next step is done, stepping 7"), IsEmpty());
  EXPECT_THAT(Issues("1. a, step 99999999999999999999\n2. b"),
              ElementsAre(ReasoningIssue{Kind::kMissingStep, 0, 1'000'000}));
}

TEST(ReasoningStepsTest, EmptyAndRepeatedSteps) {
  EXPECT_THAT(Issues("1. a\n2.\n3. ...\n4. d"),
              ElementsAre(ReasoningIssue{Kind::kEmptyStep, 1, 0}, ReasoningIssue{Kind::kEmptyStep, 2, 0}));
  EXPECT_THAT(Issues("1. Add 2 and 3.\n2. Other\n3. **add  2 AND 3**"),
              ElementsAre(ReasoningIssue{Kind::kRepeatedStep, 2, 0}));
  EXPECT_THAT(Issues("1. 2-1=1\n2. 21=1"), IsEmpty());
}

TEST(ReasoningStepsTest, Bounds) {
  std::string text;
  for (int i = 1; i <= 300; ++i) absl::StrAppend(&text, i, ". see step 999 and step ", 1000 + i, "\n");
  const Reasoning many = ParseReasoning(text);
  EXPECT_THAT(many.steps, SizeIs(kMaxReasoningSteps));
  EXPECT_EQ(many.steps.back().end, text.size() - 1);
  EXPECT_THAT(many.issues, SizeIs(kMaxReasoningIssues));
  EXPECT_EQ(many.issues.back().kind, Kind::kTooManySteps);
  EXPECT_EQ(many.issues.back().step, kMaxReasoningSteps - 1);
  text.clear();
  for (int i = 0; i < 300; ++i) text += "a sentence.\n\n";
  EXPECT_THAT(ParseReasoning(text).steps, SizeIs(kMaxReasoningSteps));
  text.clear();
  for (int i = 1; i <= static_cast<int>(kMaxReasoningSteps); ++i) absl::StrAppend(&text, i, ". s", i, "\n");
  EXPECT_THAT(ParseReasoning(text).issues, IsEmpty());
}

TEST(ReasoningStepsTest, LinearInWhatIsHostile) {
  for (const absl::string_view unit : {"step ", "1. ", "a. ", ". ", ".)", "Step 1: ", "(1) ", "- ", "\n", "steps 1, ",
                                       "**", "  \n", "\u3002", "aA.", "!?"}) {
    std::string text;
    while (text.size() < 4'000'000) absl::StrAppend(&text, unit);
    // Squares would take hours, and the test has a minute.
    EXPECT_LE(ParseReasoning(text).steps.size(), kMaxReasoningSteps) << unit;
  }
}

TEST(ReasoningStepsTest, AsMessage) {
  v1::Reasoning proto;
  ReasoningToProto(ParseReasoning("1. a\n2. step 3"), proto);
  ASSERT_EQ(proto.steps_size(), 2);
  EXPECT_EQ(proto.steps(1).text(), "step 3");
  EXPECT_EQ(proto.steps(1).number(), 2);
  EXPECT_EQ(proto.steps(1).begin(), 5);
  EXPECT_EQ(proto.steps(1).end(), 14);
  ASSERT_EQ(proto.issues_size(), 1);
  EXPECT_EQ(proto.issues(0).kind(), v1::REASONING_ISSUE_KIND_MISSING_STEP);
  EXPECT_EQ(proto.issues(0).step(), 1);
  EXPECT_EQ(proto.issues(0).other(), 3);
}

}  // namespace
}  // namespace dspex
