#include "engine/module/reasoning_steps_proto.h"

#include <cstdint>

#include "dspex/v1/values.pb.h"

namespace dspex {

namespace {

v1::ReasoningIssueKind ToProto(ReasoningIssue::Kind kind) {
  switch (kind) {
    case ReasoningIssue::Kind::kMissingStep:
      return v1::REASONING_ISSUE_KIND_MISSING_STEP;
    case ReasoningIssue::Kind::kLaterStep:
      return v1::REASONING_ISSUE_KIND_LATER_STEP;
    case ReasoningIssue::Kind::kEmptyStep:
      return v1::REASONING_ISSUE_KIND_EMPTY_STEP;
    case ReasoningIssue::Kind::kRepeatedStep:
      return v1::REASONING_ISSUE_KIND_REPEATED_STEP;
    case ReasoningIssue::Kind::kTooManySteps:
      return v1::REASONING_ISSUE_KIND_TOO_MANY_STEPS;
  }
  return v1::REASONING_ISSUE_KIND_UNSPECIFIED;
}

}  // namespace

void ReasoningToProto(const Reasoning& reasoning, v1::Reasoning& proto) {
  proto.mutable_steps()->Reserve(static_cast<int>(reasoning.steps.size()));
  for (const ReasoningStep& step : reasoning.steps) {
    v1::ReasoningStep& added = *proto.add_steps();
    added.set_text(step.text);
    added.set_number(step.number);
    added.set_begin(static_cast<std::int32_t>(step.begin));
    added.set_end(static_cast<std::int32_t>(step.end));
  }
  for (const ReasoningIssue& issue : reasoning.issues) {
    v1::ReasoningIssue& added = *proto.add_issues();
    added.set_kind(ToProto(issue.kind));
    added.set_step(static_cast<std::int32_t>(issue.step));
    added.set_other(issue.other);
  }
}

}  // namespace dspex
