#include "engine/metric/lua_metric.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/metric.pb.h"
#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/metric/normalize.h"
#include "engine/metric/plain_metric.h"
#include "engine/metric/word_overlap.h"
#include "engine/script/script.h"

namespace dspex {

namespace {

constexpr absl::string_view kKind = "lua";

// DSPy's functions, as scripts call them: EM(text, expected), F1(text, expected), normalize_text(text).

struct Compared {
  absl::string_view text;
  std::vector<absl::string_view> expected;
};

// A text, and a text or a list of them that is not empty.
absl::StatusOr<Compared> ReadCompared(const std::vector<Json>& arguments) {
  Compared compared;
  const auto wrong = absl::InvalidArgumentError("takes a text, and a text or a list of texts");
  if (arguments.size() != 2 || !arguments[0].is_string()) return wrong;
  compared.text = arguments[0].get_ref<const std::string&>();
  const Json& expected = arguments[1];
  if (expected.is_string()) compared.expected.emplace_back(expected.get_ref<const std::string&>());
  if (expected.is_array()) {
    for (const Json& item : expected) {
      if (!item.is_string()) return wrong;
      compared.expected.emplace_back(item.get_ref<const std::string&>());
    }
  }
  if (compared.expected.empty()) return wrong;
  return compared;
}

absl::StatusOr<Json> CallExactMatch(const std::vector<Json>& arguments) {
  const absl::StatusOr<Compared> compared = ReadCompared(arguments);
  if (!compared.ok()) return compared.status();
  return Json(ExactlyMatches(compared->text, compared->expected));
}

absl::StatusOr<Json> CallF1(const std::vector<Json>& arguments) {
  const absl::StatusOr<Compared> compared = ReadCompared(arguments);
  if (!compared.ok()) return compared.status();
  return Json(WordF1(compared->text, compared->expected));
}

absl::StatusOr<Json> CallNormalize(const std::vector<Json>& arguments) {
  if (arguments.size() != 1 || !arguments[0].is_string()) return absl::InvalidArgumentError("takes a text");
  return Json(NormalizeText(arguments[0].get_ref<const std::string&>()));
}

absl::StatusOr<Score> ReadScore(const std::vector<Json>& results) {
  const Json value = results.empty() ? Json() : results.front();
  std::string feedback;
  if (results.size() > 1 && !results[1].is_null()) {
    if (!results[1].is_string()) {
      return MetricFailed(
          kKind, absl::StrCat("The script's feedback is ", KindOf(results[1]), ". Return the score, then a text."));
    }
    feedback = results[1].get<std::string>();
  }
  if (value.is_boolean()) return Score{value.get<bool>() ? 1.0 : 0.0, std::move(feedback)};
  if (value.is_number()) return FiniteScore(kKind, value.get<double>(), std::move(feedback));
  const absl::string_view came = value.is_null() ? "nil" : KindOf(value);
  return MetricFailed(kKind, absl::StrCat("The script's score is ", came, ". Return a finite number or a bool."))
      .With("score", came);
}

class LuaMetric final : public Metric {
 public:
  LuaMetric(std::shared_ptr<const Script> script, std::vector<std::string> modules)
      : script_(std::move(script)), modules_(std::move(modules)) {}

  Task<Score> Evaluate(RequestContext context, const Scored& scored) const override {
    const Json trace = TraceOf(scored.trace);
    const Json predictor_trace = TraceOf(scored.predictor_trace);
    const Json predictor = scored.predictor.empty() ? Json() : Json(std::string(scored.predictor));
    std::vector<ScriptGlobal> globals = {{"example", &scored.example.fields},
                                         {"prediction", &scored.prediction.outputs},
                                         {"trace", &trace},
                                         {"predictor", &predictor},
                                         {"predictor_trace", &predictor_trace}};
    const auto results = co_await script_->Run(std::move(globals), context.deadline());
    if (results.ok()) co_return ReadScore(*results);
    // What has a reason is no fault of the script.
    if (!ErrorReason(results.status()).empty()) co_return results.status();
    Error error = MetricFailed(kKind, absl::StrCat("The script broke off: ", results.status().message(), "."));
    if (const int line = ScriptErrorLine(results.status().message()); line != 0) error.With("line", line);
    co_return error;
  }

 private:
  Json TraceOf(const ModuleTrace* trace) const {
    if (trace == nullptr) return Json();
    Json calls = Json::array();
    for (const ModuleCall& call : trace->calls) {
      const std::string module = call.module < modules_.size() ? modules_[call.module] : "";
      calls.push_back(Json{{"module", module}, {"inputs", call.inputs}, {"outputs", call.outputs}});
    }
    return calls;
  }

  const std::shared_ptr<const Script> script_;
  // The ids of the program's modules.
  const std::vector<std::string> modules_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Metric>> MakeLuaMetric(const v1::Lua& definition,
                                                            const MetricEnvironment& environment) {
  if (definition.script().empty()) return InvalidMetric("script", "is empty. Give an expression, or a script.");
  auto script =
      Script::Compile(definition.script(), {{"EM", CallExactMatch}, {"F1", CallF1}, {"normalize_text", CallNormalize}});
  if (!script.ok()) return InvalidMetric("script", absl::StrCat("does not compile: ", script.status().message()));
  std::vector<std::string> modules;
  for (const v1::Module& module : environment.program->modules()) modules.push_back(module.id());
  return std::make_shared<LuaMetric>(*std::move(script), std::move(modules));
}

}  // namespace dspex
