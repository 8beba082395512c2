// What the engine takes of one Forward, in process: a stored Predict with a language model that answers at once. Inputs
// differ from call to call. All that a Forward pays within the engine is included: the request's record and context,
// coercion, formatting, the coroutines, parsing, usage.

#include <absl/strings/str_cat.h>
#include <benchmark/benchmark.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "dspex/v1/program.pb.h"
#include "engine/adapter/adapter.h"
#include "engine/base/context.h"
#include "engine/program/program.h"
#include "tests/bench/canned_model.h"

namespace dspex {
namespace {

v1::Program Definition(int demos) {
  v1::Program definition;
  definition.set_lm("canned/model");
  auto& module = *definition.add_modules();
  module.set_id("qa");
  module.mutable_predict()->set_signature("question: str -> answer: str");
  for (int i = 0; i < demos; ++i) {
    auto& fields = *module.mutable_predict()->add_demos()->mutable_fields()->mutable_fields();
    fields["question"].set_string_value(absl::StrCat("What is the capital of the country with number ", i, "?"));
    fields["answer"].set_string_value(absl::StrCat("City number ", i));
  }
  return definition;
}

asio::awaitable<void> ForwardAll(benchmark::State& state, const Program& program, std::string question) {
  long long call = 0;
  const Sampling unchanged;
  for (auto _ : state) {
    RequestRecord record;
    Json inputs = Json::object();
    inputs["question"] = absl::StrCat(question, ++call);
    const absl::StatusOr<Prediction> prediction =
        co_await program.Forward(RequestContext(record, kNoDeadline), std::move(inputs), unchanged);
    if (!prediction.ok()) state.SkipWithError(prediction.status().ToString().c_str());
    benchmark::DoNotOptimize(prediction);
  }
}

void Run(benchmark::State& state, int demos, std::string question, const std::string& answer) {
  OneModel models(absl::StrCat("[[ ## answer ## ]]\n", answer, "\n\n[[ ## completed ## ]]\n"));
  const auto program = Program::Create(Definition(demos), {.language_models = &models, .default_lm = ""}).value();
  asio::io_context io(1);
  asio::co_spawn(io, ForwardAll(state, *program, std::move(question)), [](const std::exception_ptr& exception) {
    if (exception) std::rethrow_exception(exception);
  });
  io.run();
}

void BM_Forward(benchmark::State& state) {
  Run(state, static_cast<int>(state.range(0)), "What is the capital of France, asked for the time ", "Paris");
}
BENCHMARK(BM_Forward)->ArgName("demos")->Arg(0)->Arg(2)->Arg(8)->Arg(64);

std::string Prose(std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += "The quick brown fox jumps over the lazy dog, twice a day.\nThen it rests. ";
  text.resize(bytes);
  return text;
}

void BM_ForwardLargeInput(benchmark::State& state) { Run(state, 0, Prose(50'000), "Paris"); }
BENCHMARK(BM_ForwardLargeInput);

void BM_ForwardLargeCompletion(benchmark::State& state) { Run(state, 0, "Tell me a story, number ", Prose(50'000)); }
BENCHMARK(BM_ForwardLargeCompletion);

// Parse alone, 50 kB: prose, prose in another script, and what looks like markers everywhere.
void BM_Parse(benchmark::State& state, const std::string& text) {
  const auto adapter =
      BindAdapter({}, Phrasebook::BuiltIn(), Signature::FromString("question -> answer").value(), {}).value();
  const std::string completion = absl::StrCat("[[ ## answer ## ]]\n", text, "\n\n[[ ## completed ## ]]\n");
  for (auto _ : state) benchmark::DoNotOptimize(adapter->Parse(completion));
}
std::string Repeat(absl::string_view piece, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) absl::StrAppend(&text, piece);
  return text;
}
BENCHMARK_CAPTURE(BM_Parse, prose_50kB, Prose(50'000));
BENCHMARK_CAPTURE(BM_Parse, chinese_50kB, Repeat("敏捷的棕色狐狸跳过了懒狗。", 50'000));
BENCHMARK_CAPTURE(BM_Parse, lists_50kB, Repeat("[[1, 2], [3, 4]], ", 50'000));

// What a program's creation pays for its prefix.
void BM_Prefix(benchmark::State& state) {
  const v1::Program definition = Definition(static_cast<int>(state.range(0)));
  const Signature signature = Signature::FromString("question: str -> answer: str").value();
  std::vector<Json> demos;
  for (const auto& demo : definition.modules(0).predict().demos()) {
    Json json = Json::object();
    for (const char* name : {"question", "answer"}) json[name] = demo.fields().fields().at(name).string_value();
    demos.push_back(std::move(json));
  }
  for (auto _ : state) benchmark::DoNotOptimize(BindAdapter({}, Phrasebook::BuiltIn(), signature, demos));
}
BENCHMARK(BM_Prefix)->ArgName("demos")->Arg(0)->Arg(2)->Arg(8)->Arg(64);

void BM_CreateProgram(benchmark::State& state) {
  const v1::Program definition = Definition(static_cast<int>(state.range(0)));
  OneModel models("");
  for (auto _ : state)
    benchmark::DoNotOptimize(Program::Create(definition, {.language_models = &models, .default_lm = ""}));
}
BENCHMARK(BM_CreateProgram)->ArgName("demos")->Arg(0)->Arg(64);

}  // namespace
}  // namespace dspex

BENCHMARK_MAIN();
