// Reads JSON lines and prints, for each, what the engine makes of a saved state, a text or completions; the other half
// is DSPy itself (test_state.py, test_majority.py).

#include <absl/status/statusor.h>
#include <google/protobuf/util/json_util.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/json/json.h"
#include "engine/metric/normalize.h"
#include "engine/module/majority.h"
#include "engine/state/apply_state.h"
#include "engine/state/saved_state.h"
#include "engine/state/state_of.h"

namespace dspex {
namespace {

// {"state": text} -> the text written again.
absl::StatusOr<Json> Rewrite(const Json& line) {
  const absl::StatusOr<SavedState> state = ReadState(line.at("state").get<std::string>());
  if (!state.ok()) return state.status();
  return Json{{"state", WriteState(*state)}};
}

// {"state": text, "program": program} -> the program with it, the warnings, and its state again.
absl::StatusOr<Json> Apply(const Json& line) {
  v1::Program program;
  if (!google::protobuf::util::JsonStringToMessage(line.at("program").dump(), &program).ok()) {
    return absl::InvalidArgumentError("the program is no message");
  }
  const absl::StatusOr<SavedState> state = ReadState(line.at("state").get<std::string>());
  if (!state.ok()) return state.status();
  const absl::StatusOr<AppliedState> applied =
      ApplyState(program, *state, {.keep_endpoints = line.value("keep_endpoints", false)});
  if (!applied.ok()) return applied.status();
  const absl::StatusOr<SavedState> exported = StateOf(applied->program);
  if (!exported.ok()) return exported.status();
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(applied->program, &text).ok()) {
    return absl::InternalError("the program cannot be written");
  }
  return Json{{"program", Json::parse(text)}, {"warnings", applied->warnings}, {"state", WriteState(*exported)}};
}

// {"normalize": text} -> as metrics compare it.
absl::StatusOr<Json> Normalize(const Json& line) { return NormalizeText(line.at("normalize").get<std::string>()); }

// {"majority": values} -> the place of the winner.
absl::StatusOr<Json> Majority(const Json& line) {
  std::vector<Answer> answers;
  for (const Json& value : line.at("majority")) answers.push_back({Json{{"answer", value}}});
  return MajorityIndex(answers, "answer");
}

absl::StatusOr<Json> ReplyTo(const std::string& text) {
  const absl::StatusOr<Json> line = ParseJson(text);
  if (!line.ok()) return line.status();
  if (line->contains("program")) return Apply(*line);
  if (line->contains("state")) return Rewrite(*line);
  if (line->contains("normalize")) return Normalize(*line);
  if (line->contains("majority")) return Majority(*line);
  return absl::InvalidArgumentError("a line of an unknown kind");
}

Json Written(const absl::StatusOr<Json>& result) {
  if (result.ok()) return Json{{"ok", *result}};
  return Json{{"error", {{"message", result.status().message()}, {"reason", ErrorReason(result.status())}}}};
}

}  // namespace
}  // namespace dspex

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) std::cout << dspex::Written(dspex::ReplyTo(line)) << std::endl;
}
