#include "engine/lm/delta.h"

#include <utility>
#include <vector>

#include "engine/lm/language_model.h"

namespace dspex::lm {

StatusTask PutWhole(const Response& response, DeltaSink& sink) {
  if (response.completions.empty()) co_return absl::OkStatus();
  const Completion& completion = response.completions.front();
  std::vector<Delta> deltas;
  if (!completion.reasoning.value_or("").empty()) deltas.emplace_back(ReasoningDelta{*completion.reasoning});
  if (!completion.text.empty()) deltas.emplace_back(TextDelta{completion.text});
  int index = 0;
  for (const ToolCallPart& call : completion.tool_calls) {
    deltas.emplace_back(ToolCallDelta{index++, call.id, call.name, call.arguments});
  }
  for (Delta& delta : deltas) {
    absl::Status taken = co_await sink.Take(std::move(delta));
    if (!taken.ok()) co_return taken;
  }
  co_return absl::OkStatus();
}

}  // namespace dspex::lm
