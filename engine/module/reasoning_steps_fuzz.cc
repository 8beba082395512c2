// Steps of reasoning stand in order within the text, within their bounds, and issues name steps that there are.

#include <absl/strings/string_view.h>

#include <cstdint>
#include <cstdlib>

#include "dspex/v1/values.pb.h"
#include "engine/module/reasoning_steps.h"
#include "engine/module/reasoning_steps_proto.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const dspex::Reasoning reasoning = dspex::ParseReasoning(text);
  if (reasoning.steps.size() > dspex::kMaxReasoningSteps) std::abort();
  if (reasoning.issues.size() > dspex::kMaxReasoningIssues) std::abort();
  std::size_t end = 0;
  for (const dspex::ReasoningStep& step : reasoning.steps) {
    if (step.begin < end || step.end <= step.begin || step.end > size || step.number < 0) std::abort();
    if (step.text.size() > step.end - step.begin) std::abort();
    end = step.end;
  }
  for (const dspex::ReasoningIssue& issue : reasoning.issues) {
    if (issue.step >= reasoning.steps.size()) std::abort();
  }
  dspex::v1::Reasoning proto;
  dspex::ReasoningToProto(reasoning, proto);
  return 0;
}
