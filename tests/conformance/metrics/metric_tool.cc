// Reads JSON lines and scores: {"metric", "program", "outputs", "example", "prediction", "bootstrapping",
// "completions"} -> {"score" or "error", "requests"}. Judges get the completions in turn. A line {"phrasebook"} sets
// what programs that name one are worded with.

#include <absl/status/statusor.h>
#include <google/protobuf/util/json_util.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dspex/v1/metric.pb.h"
#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/json/json.h"
#include "engine/metric/make_metric.h"
#include "engine/module/fake_language_model.h"

namespace dspex {
namespace {

class OnePhrasebook final : public Phrasebooks {
 public:
  absl::StatusOr<std::shared_ptr<const Phrasebook>> Find(absl::string_view) const override { return book; }

  std::shared_ptr<const Phrasebook> book = Phrasebook::BuiltIn();
};

const char* RoleName(lm::Role role) {
  return role == lm::Role::kSystem ? "system" : role == lm::Role::kUser ? "user" : "assistant";
}

Json Messages(const lm::Request& request) {
  Json messages = Json::array();
  for (const auto* part : {&request.prefix->messages(), &request.turns}) {
    for (const lm::Message& message : *part) {
      messages.push_back(
          {{"role", RoleName(message.role)}, {"content", std::get<lm::TextPart>(message.parts.at(0)).text}});
    }
  }
  return messages;
}

template <typename Message>
Message ReadMessage(const Json& line, const char* key) {
  Message message;
  if (line.contains(key)) (void)google::protobuf::util::JsonStringToMessage(line.at(key).dump(), &message);
  return message;
}

absl::StatusOr<Score> Evaluate(const Json& line, FakeLanguageModels& models, const OnePhrasebook& phrasebooks) {
  const auto program = ReadMessage<v1::Program>(line, "program");
  MetricEnvironment environment;
  environment.program = &program;
  environment.outputs = line.at("outputs").get<std::vector<std::string>>();
  environment.judges.language_models = &models;
  environment.judges.phrasebooks = &phrasebooks;
  environment.judge_lm = "fake/model";
  const auto metric = MakeMetric(ReadMessage<v1::Metric>(line, "metric"), environment);
  if (!metric.ok()) return metric.status();

  const Example example{"", line.at("example")};
  Prediction prediction;
  prediction.outputs = line.at("prediction");
  const ModuleTrace trace;
  RequestRecord record;
  return RunTask(
      (*metric)->Evaluate(RequestContext(record, kNoDeadline),
                          Scored{example, prediction, line.value("bootstrapping", false) ? &trace : nullptr}));
}

Json AnswerTo(const Json& line, const OnePhrasebook& phrasebooks) {
  FakeLanguageModels models;
  for (const Json& completion : line.value("completions", Json::array())) {
    models.model->Answer(completion.get<std::string>());
  }
  const absl::StatusOr<Score> score = Evaluate(line, models, phrasebooks);
  Json answer = Json::object();
  if (score.ok()) {
    answer["score"] = score->value;
  } else {
    answer["error"] = ErrorReason(score.status());
    answer["message"] = score.status().message();
  }
  answer["requests"] = Json::array();
  for (const lm::Request& request : models.model->requests) answer["requests"].push_back(Messages(request));
  return answer;
}

}  // namespace
}  // namespace dspex

int main() {
  std::ios::sync_with_stdio(false);
  dspex::OnePhrasebook phrasebooks;
  std::string text;
  while (std::getline(std::cin, text)) {
    const dspex::Json line = dspex::ParseJson(text).value();
    dspex::Json answer = true;
    if (line.contains("phrasebook")) {
      phrasebooks.book = dspex::Phrasebook::FromJson(line.at("phrasebook").dump()).value();
    } else {
      answer = dspex::AnswerTo(line, phrasebooks);
    }
    // Each answer at once: what asks waits for it.
    std::cout << answer << std::endl;
  }
}
