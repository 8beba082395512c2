// A whole run of an optimizer in process, for tests/bench/search.py: reads a specification,
//   {"phrasebook": {...}, "program": {...}, "compile": a CompileSpec, "input_keys": [...], "trainset": [...],
//    "valset": [...], "runs": 5}
// and prints {"seconds": [of each run], "calls": of one, "candidates": [{"score", "demos": [of each module]}], "best"}.
// The parts are the server's; only examples, journal and report are left out.

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <charconv>
#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dspex/v1/job.pb.h"
#include "dspex/v1/program.pb.h"
#include "engine/evaluate/evaluator.h"
#include "engine/metric/make_metric.h"
#include "engine/optimizer/no_observer.h"
#include "engine/optimizer/optimizer.h"
#include "engine/program/build_module.h"
#include "server/program/phrasebook_registry.h"
#include "tests/bench/specification.h"

namespace dspex {
namespace {

/// Doubles the number that is asked for; more demonstrations make it right more often. As answer() in search.py does.
class DoublingModel final : public lm::LanguageModel {
 public:
  Task<lm::Response> Generate(RequestContext /*context*/, const lm::Request& request) override {
    ++calls;
    lm::Response response;
    response.completions.push_back({.text = Answer(request)});
    response.usage = {.input_tokens = 100, .output_tokens = 10, .lm_calls = 1};
    response.model = "canned";
    co_return response;
  }
  absl::StatusOr<lm::RenderedRequest> Render(const lm::Request&) const override { return lm::RenderedRequest{}; }
  const std::string& name() const override { return name_; }
  lm::Capabilities capabilities() const override { return {}; }

  int calls = 0;

 private:
  static std::string Answer(const lm::Request& request) {
    std::ptrdiff_t demos = 0;
    std::ptrdiff_t length = 0;
    for (const auto* messages : {&request.prefix->messages(), &request.turns}) {
      for (const lm::Message& message : *messages) {
        if (message.role != lm::Role::kAssistant) continue;
        ++demos;
        length += static_cast<std::ptrdiff_t>(std::get<lm::TextPart>(message.parts.front()).text.size());
      }
    }
    const std::ptrdiff_t number = Asked(std::get<lm::TextPart>(request.turns.back().parts.back()).text);
    const bool right = (number * number + length) % 101 < 45 + 2 * demos;
    return absl::StrCat("[[ ## reasoning ## ]]\n", number, " counted, then ", number, " more.\n\n[[ ## answer ## ]]\n",
                        right ? absl::StrCat(2 * number) : "unknown", "\n\n[[ ## completed ## ]]");
  }

  static std::ptrdiff_t Asked(const std::string& text) {
    constexpr absl::string_view kBefore = "[[ ## question ## ]]\nHow many are ";
    const std::size_t at = absl::string_view(text).find(kBefore);
    if (at == absl::string_view::npos) throw std::runtime_error("the model was asked for something else: " + text);
    std::ptrdiff_t number = 0;
    std::from_chars(text.data() + at + kBefore.size(), text.data() + text.size(), number);
    return number;
  }

  const std::string name_ = "openai/canned";
};

class OneDoublingModel final : public lm::LanguageModels {
 public:
  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> Find(absl::string_view /*name*/) override { return model; }

  const std::shared_ptr<DoublingModel> model = std::make_shared<DoublingModel>();
};

class ListedExamples final : public Examples {
 public:
  ListedExamples(const Json& examples, std::vector<std::string> input_keys)
      : examples_(examples.get<std::vector<Json>>()), input_keys_(std::move(input_keys)) {}

  std::int64_t size() const override { return static_cast<std::int64_t>(examples_.size()); }
  const std::vector<std::string>& input_keys() const override { return input_keys_; }
  Task<Example> Get(std::int64_t index) const override {
    co_return Example{absl::StrCat(index), examples_[static_cast<std::size_t>(index)]};
  }

 private:
  const std::vector<Json> examples_;
  const std::vector<std::string> input_keys_;
};

/// A canned model puts nothing in the way.
class NoGate final : public ObstacleGate {
 public:
  StatusTask Wait(absl::Status obstacle) override { co_return obstacle; }
  void Passed() override {}
};

/// What a run takes from outside; a job reads the same.
class Search {
 public:
  explicit Search(const Json& specification)
      : student_(ReadMessage<v1::Program>(specification.at("program"))),
        spec_(ReadMessage<v1::CompileSpec>(specification.at("compile"))),
        trainset_(specification.at("trainset"), specification.at("input_keys").get<std::vector<std::string>>()),
        valset_(specification.at("valset"), trainset_.input_keys()) {
    AddPhrasebook(specification.at("phrasebook"), phrasebooks_);
  }

  int calls() const { return models_.model->calls; }

  Task<OptimizerResult> Run(RequestContext context) {
    const ProgramEnvironment environment{.language_models = &models_, .phrasebooks = &phrasebooks_, .default_lm = ""};
    const auto make = [&](bool /*teacher*/, const ProgramParameters& parameters) {
      v1::Program program = student_;
      const absl::Status written = WriteParameters(parameters, program);
      if (!written.ok()) throw std::runtime_error(written.ToString());
      return Program::Create(program, environment);
    };
    const std::shared_ptr<const Program> built = Must(Program::Create(student_, environment));
    NoGate gate;
    Evaluator evaluator(
        {}, {.make_program = make,
             .metric = Must(MakeMetric(
                 spec_.metric(),
                 {.program = &student_, .outputs = built->OutputNames(), .judges = environment, .judge_lm = ""})),
             .gate = &gate});
    NoObserver observer;
    const std::shared_ptr<const Phrasebook> phrasebook = Must(FindPhrasebook(student_, environment));
    const OptimizerPorts ports{.evaluator = &evaluator,
                               .observer = &observer,
                               .trainset = &trainset_,
                               .valset = &valset_,
                               .student = &student_,
                               .phrasebook = phrasebook.get()};
    const std::unique_ptr<Optimizer> optimizer = Must(MakeOptimizer(spec_));
    co_return co_await optimizer->Run(context, ports);
  }

 private:
  PhrasebookRegistry phrasebooks_;
  OneDoublingModel models_;
  const v1::Program student_;
  const v1::CompileSpec spec_;
  const ListedExamples trainset_;
  const ListedExamples valset_;
};

OptimizerResult RunOnce(Search& search) {
  RequestRecord record;
  absl::StatusOr<OptimizerResult> result = absl::UnknownError("it did not end");
  asio::io_context io(1);
  asio::co_spawn(io, search.Run(RequestContext(record, kNoDeadline)),
                 [&result](const std::exception_ptr& exception, absl::StatusOr<OptimizerResult> found) {
                   if (exception) std::rethrow_exception(exception);
                   result = std::move(found);
                 });
  io.run();
  return Must(std::move(result));
}

Json Show(const OptimizerResult& result) {
  Json candidates = Json::array();
  for (const TriedCandidate& tried : result.candidates) {
    Json demos = Json::array();
    for (const PredictorParameters& module : tried.parameters) demos.push_back(module.demos);
    candidates.push_back({{"score", tried.score.has_value() ? Json(*tried.score) : Json()}, {"demos", demos}});
  }
  return candidates;
}

int Run(const char* path) {
  const Json specification = ReadSpecification(path);
  Search search(specification);
  const OptimizerResult result = RunOnce(search);  // To warm up.
  const int calls = search.calls();
  Json seconds = Json::array();
  for (int i = 0; i < specification.at("runs").get<int>(); ++i) {
    const auto start = std::chrono::steady_clock::now();
    RunOnce(search);
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  const Json report = {{"seconds", seconds}, {"calls", calls}, {"candidates", Show(result)}, {"best", result.best}};
  std::cout << report.dump() << "\n";
  return 0;
}

}  // namespace
}  // namespace dspex

int main(int argc, char** argv) {
  try {
    if (argc == 2) return dspex::Run(argv[1]);
    std::cerr << "search_bench SPECIFICATION.json\n";
  } catch (const std::exception& error) {
    std::cerr << "search_bench: " << error.what() << "\n";
  }
  return 1;
}
