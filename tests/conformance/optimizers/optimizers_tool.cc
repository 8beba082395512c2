// Runs optimizers: reads cases as JSON lines and prints, for each, the candidates and the numbers of all requests. The
// argument is the file of a phrasebook. The other half is DSPy itself (dspy_side.py).

#include <absl/status/statusor.h>
#include <google/protobuf/util/json_util.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dspex/v1/job.pb.h"
#include "engine/base/error.h"
#include "engine/module/fake_language_model.h"
#include "engine/optimizer/no_observer.h"
#include "tests/conformance/optimizers/chain.h"

namespace dspex {
namespace {

template <typename Message>
absl::StatusOr<Message> ReadMessage(const Json& json) {
  Message message;
  if (!google::protobuf::util::JsonStringToMessage(json.dump(), &message).ok()) {
    return absl::InvalidArgumentError(absl::StrCat("no message: ", json.dump()));
  }
  return message;
}

Json Show(const OptimizerResult& result) {
  Json candidates = Json::array();
  for (const TriedCandidate& tried : result.candidates) {
    Json parameters = Json::array();
    for (const PredictorParameters& one : tried.parameters) {
      parameters.push_back(
          {{"module", one.module}, {"instructions", one.instructions}, {"demos", one.demos}, {"prefix", one.prefix}});
    }
    candidates.push_back({{"origin", tried.origin},
                          {"score", tried.score.has_value() ? Json(*tried.score) : Json()},
                          {"parameters", std::move(parameters)}});
  }
  return {{"candidates", std::move(candidates)}, {"best", result.best}, {"stopped", result.stopped_at_score}};
}

absl::StatusOr<Json> RunCase(const Json& line, const std::shared_ptr<const Phrasebook>& phrasebook,
                             lm::LanguageModels& models) {
  const absl::StatusOr<v1::Program> student = ReadMessage<v1::Program>(line.at("program"));
  if (!student.ok()) return student.status();
  const absl::StatusOr<v1::Program> teacher =
      line.at("teacher").is_null() ? student : ReadMessage<v1::Program>(line.at("teacher"));
  if (!teacher.ok()) return teacher.status();
  const absl::StatusOr<v1::CompileSpec> spec = ReadMessage<v1::CompileSpec>(line.at("spec"));
  if (!spec.ok()) return spec.status();
  const auto optimizer = MakeOptimizer(*spec);
  if (!optimizer.ok()) return optimizer.status();

  const auto input_keys = line.at("input_keys").get<std::vector<std::string>>();
  const ListedExamples trainset(line.at("trainset").get<std::vector<Json>>(), input_keys);
  const ListedExamples valset(line.at("valset").get<std::vector<Json>>(), input_keys);
  ChainEvaluator evaluator({.student = &*student,
                            .teacher = &*teacher,
                            .phrasebook = phrasebook,
                            .metric = {line.at("metric")},
                            .max_errors = spec->settings().max_errors() == 0 ? 10 : spec->settings().max_errors(),
                            .models = &models});
  ChainProposer proposer(phrasebook, &models);
  NoObserver observer;
  const OptimizerPorts ports{.evaluator = &evaluator,
                             .proposer = &proposer,
                             .observer = &observer,
                             .trainset = &trainset,
                             .valset = valset.size() == 0 ? nullptr : &valset,
                             .student = &*student,
                             .teacher = line.at("teacher").is_null() ? nullptr : &*teacher,
                             .phrasebook = phrasebook.get()};
  RequestRecord record;
  const absl::StatusOr<OptimizerResult> result = RunTask((*optimizer)->Run(RequestContext(record, kNoDeadline), ports));
  if (!result.ok()) return result.status();
  return Show(*result);
}

Json AnswerLine(const std::string& text, const std::shared_ptr<const Phrasebook>& phrasebook) {
  const absl::StatusOr<Json> line = ParseJson(text);
  if (!line.ok()) return {{"error", {{"reason", ""}, {"message", line.status().message()}}}};
  ScriptedModels models(line->at("model"));
  const absl::StatusOr<Json> result = RunCase(*line, phrasebook, models);
  Json answer =
      result.ok() ? Json{{"ok", *result}}
                  : Json{{"error", {{"reason", ErrorReason(result.status())}, {"message", result.status().message()}}}};
  answer["calls"] = models.model->calls;
  return answer;
}

}  // namespace
}  // namespace dspex

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::ifstream file(argv[1]);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto phrasebook = dspex::Phrasebook::FromJson(text);
  if (!phrasebook.ok()) {
    std::cerr << phrasebook.status() << '\n';
    return 2;
  }
  std::string line;
  while (std::getline(std::cin, line)) std::cout << dspex::AnswerLine(line, *phrasebook) << std::endl;
}
