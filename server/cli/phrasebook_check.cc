#include "server/cli/phrasebook_check.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <google/protobuf/util/json_util.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/program.pb.h"
#include "engine/program/program.h"
#include "providers/provider_stack.h"
#include "server/cli/compare_requests.h"
#include "server/program/phrasebook_registry.h"

namespace dspex::cli {

namespace {

// Nothing is ever attempted: requests are only rendered.
class NoObserver final : public AttemptObserver {
 public:
  void OnAttempt(const Attempt&) override {}
};

absl::StatusOr<Json> Rendered(const Json& probe, const ProgramEnvironment& environment) {
  v1::Program definition;
  if (!google::protobuf::util::JsonStringToMessage(probe.at("program").dump(), &definition).ok()) {
    return absl::InvalidArgumentError("its program is none");
  }
  const absl::StatusOr<std::shared_ptr<const Program>> program = Program::Create(definition, environment);
  if (!program.ok()) return program.status();
  absl::StatusOr<Json> inputs = ParseJson(probe.at("inputs_json").get<std::string>());
  if (!inputs.ok()) return inputs.status();
  const absl::StatusOr<std::vector<Program::Rendered>> requests = (*program)->Render(*std::move(inputs), {});
  if (!requests.ok()) return requests.status();
  return ParseJson(requests->front().request.body);
}

absl::Status CheckProbe(absl::string_view line, const ProgramEnvironment& environment) {
  const absl::StatusOr<Json> probe = ParseJson(line);
  if (!probe.ok()) return probe.status();
  const absl::StatusOr<Json> body = Rendered(*probe, environment);
  if (!body.ok()) return body.status();
  Json expected = Json::object();
  expected["messages"] = probe->at("messages");
  if (const auto format = probe->find("response_format"); format != probe->end() && !format->is_null()) {
    expected["arguments"]["response_format"] = *format;
  }
  // The other settings are the program's, no phrasebook's.
  Json compared = Json::object();
  for (const char* name : {"messages", "response_format"}) {
    if (const auto found = body->find(name); found != body->end()) compared[name] = *found;
  }
  const std::optional<std::string> difference = FirstDifference(expected, compared);
  return difference.has_value() ? absl::InvalidArgumentError(*difference) : absl::OkStatus();
}

}  // namespace

absl::Status CheckPhrasebook(absl::string_view phrasebook_name, absl::string_view phrasebook_json,
                             absl::string_view probes) {
  v1::Phrasebook phrasebook;
  phrasebook.set_name(std::string(phrasebook_name));
  phrasebook.set_contents_json(std::string(phrasebook_json));
  PhrasebookRegistry phrasebooks;
  if (absl::Status added = phrasebooks.Add(std::move(phrasebook)); !added.ok()) return added;
  NoObserver observer;
  TaskScope tasks;
  SteadyTime time;
  StackSettings settings;
  settings.providers.emplace_back().name = "openai";
  settings.providers.front().endpoints.emplace_back();
  const absl::StatusOr<std::unique_ptr<ConfiguredLanguageModels>> models =
      ConfiguredLanguageModels::Create(std::move(settings), observer, tasks, time);
  if (!models.ok()) return models.status();
  const ProgramEnvironment environment{
      .language_models = models->get(), .phrasebooks = &phrasebooks, .default_lm = "openai/probe", .reusable = false};
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(probes, '\n', absl::SkipWhitespace())) {
    ++number;
    if (absl::Status checked = CheckProbe(line, environment); !checked.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the phrasebook does not say what DSPy says: probe ", number, ", ", checked.message()));
    }
  }
  if (number == 0) return absl::InvalidArgumentError("there are no probes to check the phrasebook by");
  return absl::OkStatus();
}

}  // namespace dspex::cli
