// What the engine takes of one call of programs that DSPy has too, for tests/bench/compat.py: reads a specification,
//   {"phrasebook": {...}, "cases": [{"name", "program", "inputs", "distinct", "completion", "calls"}]}
// and prints {name: microseconds of CPU for each call}. `distinct` names the input that gets the call's number behind
// it.

#include <absl/strings/str_cat.h>
#include <time.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "dspex/v1/program.pb.h"
#include "engine/program/program.h"
#include "server/program/phrasebook_registry.h"
#include "tests/bench/canned_model.h"
#include "tests/bench/specification.h"

namespace dspex {
namespace {

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

asio::awaitable<void> CallAll(const Program& program, const Json& example, int calls) {
  const Sampling unchanged;
  const std::string distinct = example.at("distinct").get<std::string>();
  for (int call = 0; call < calls; ++call) {
    RequestRecord record;
    Json inputs = example.at("inputs");
    inputs[distinct] = absl::StrCat(inputs[distinct].get_ref<const std::string&>(), " ", call);
    const absl::StatusOr<Prediction> prediction =
        co_await program.Forward(RequestContext(record, kNoDeadline), std::move(inputs), unchanged);
    if (!prediction.ok()) throw std::runtime_error(prediction.status().ToString());
  }
}

double MicrosecondsPerCall(const Json& example, const Phrasebooks& phrasebooks) {
  const auto definition = ReadMessage<v1::Program>(example.at("program"));
  OneModel models(example.at("completion").get<std::string>());
  const std::shared_ptr<const Program> program =
      Must(Program::Create(definition, {.language_models = &models, .phrasebooks = &phrasebooks, .default_lm = ""}));
  const int calls = example.at("calls").get<int>();
  double used = 0;
  for (const int count : {calls / 10, calls}) {  // The first to warm up.
    asio::io_context io(1);
    asio::co_spawn(io, CallAll(*program, example, count), [](const std::exception_ptr& exception) {
      if (exception) std::rethrow_exception(exception);
    });
    const double start = CpuSeconds();
    io.run();
    used = CpuSeconds() - start;
  }
  return 1e6 * used / calls;
}

int Run(const char* path) {
  const Json specification = ReadSpecification(path);
  PhrasebookRegistry phrasebooks;
  AddPhrasebook(specification.at("phrasebook"), phrasebooks);
  Json results = Json::object();
  for (const Json& example : specification.at("cases")) {
    results[example.at("name").get<std::string>()] = MicrosecondsPerCall(example, phrasebooks);
  }
  std::cout << results.dump() << "\n";
  return 0;
}

}  // namespace
}  // namespace dspex

int main(int argc, char** argv) {
  try {
    if (argc == 2) return dspex::Run(argv[1]);
    std::cerr << "compat_bench SPECIFICATION.json\n";
  } catch (const std::exception& error) {
    std::cerr << "compat_bench: " << error.what() << "\n";
  }
  return 1;
}
