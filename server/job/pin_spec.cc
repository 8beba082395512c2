#include "server/job/pin_spec.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/optimizer/optimizer.h"
#include "engine/program/validate.h"
#include "server/job/estimate.h"
#include "server/job/job_work.h"
#include "server/program/resource_name.h"

namespace dspex {

namespace {

constexpr int kMaxConcurrency = 1024;
constexpr int kMaxRepeats = 1000;
constexpr std::int64_t kMaxTimeoutSeconds = 24 * 60 * 60;

absl::Status Invalid(absl::string_view field, absl::string_view problem) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest, absl::StrCat(field, " ", problem))
      .Violation(field, problem);
}

absl::Status CheckSettings(const v1::EvaluationSettings& settings) {
  if (settings.concurrency() < 0 || settings.concurrency() > kMaxConcurrency) {
    return Invalid("settings.concurrency",
                   absl::StrCat("is ", settings.concurrency(), ". Give 1 to ", kMaxConcurrency, ", or 0 for 8."));
  }
  const auto& timeout = settings.example_timeout();
  if (settings.has_example_timeout() &&
      (timeout.seconds() < 0 || timeout.nanos() < 0 || timeout.seconds() > kMaxTimeoutSeconds ||
       (timeout.seconds() == 0 && timeout.nanos() == 0))) {
    return Invalid("settings.example_timeout", "is out of range. Give more than nothing and at most a day.");
  }
  if (settings.failure_score() != settings.failure_score()) {
    return Invalid("settings.failure_score", "is no number. Give a number.");
  }
  return ValidateOptions(settings.options(), "settings.options");
}

/// The models that calls of a line go to.
using Models = std::set<std::string>;

absl::Status CheckBudget(const v1::Budget& budget, const std::string& path, const Models& models,
                         const PriceTable& prices) {
  if (budget.has_tokens() && budget.tokens() < 1) return Invalid(path + ".tokens", "must be above 0.");
  if (budget.has_lm_calls() && budget.lm_calls() < 1) return Invalid(path + ".lm_calls", "must be above 0.");
  if (budget.has_time() && budget.line() != v1::BUDGET_LINE_UNSPECIFIED) {
    return Invalid(path + ".time", "is only for all lines together. Leave `line` out.");
  }
  if (budget.has_time() && (budget.time().seconds() < 0 || budget.time().nanos() < 0)) {
    return Invalid(path + ".time", "is negative. Give more than nothing.");
  }
  if (budget.cost().empty()) return absl::OkStatus();
  if (!Money::Parse(budget.cost()).has_value()) {
    return Invalid(path + ".cost", "is no amount of dollars. Write it as 2.50.");
  }
  for (const std::string& model : models) {
    if (prices.Find(model).has_value()) continue;
    return Error(absl::StatusCode::kFailedPrecondition, reason::kNoPrice,
                 absl::StrCat("A budget of money needs prices, and ", model,
                              " has none. Give it one in providers.NAME.prices, or bound tokens or calls."))
        .With("model", model)
        .Violation(path + ".cost", "a model has no price");
  }
  return absl::OkStatus();
}

absl::Status CheckBudgets(const google::protobuf::RepeatedPtrField<v1::Budget>& budgets,
                          const std::vector<std::pair<v1::BudgetLine, Models>>& lines, const PriceTable& prices) {
  std::set<int> seen;
  for (int i = 0; i < budgets.size(); ++i) {
    const v1::Budget& budget = budgets[i];
    const std::string path = absl::StrCat("budgets[", i, "]");
    if (!v1::BudgetLine_IsValid(budget.line())) return Invalid(path + ".line", "is not known.");
    if (!seen.insert(budget.line()).second) return Invalid(path + ".line", "comes twice. Give each line once.");
    Models models;
    for (const auto& [line, of_line] : lines) {
      if (budget.line() == v1::BUDGET_LINE_UNSPECIFIED || budget.line() == line) {
        models.insert(of_line.begin(), of_line.end());
      }
    }
    if (absl::Status status = CheckBudget(budget, path, models, prices); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckModels(const JobEnvironment& environment, const Models& models, absl::string_view field) {
  for (const std::string& model : models) {
    const auto found = environment.programs_in.language_models->Find(model);
    if (!found.ok()) return WithFieldPrefix(found.status(), field);
  }
  return absl::OkStatus();
}

/// A program that a spec names: pinned, with its models, built.
struct Named {
  v1::Program definition;
  std::shared_ptr<const Program> program;
  Models models;
};

Task<Named> ReadNamed(const JobEnvironment& environment, const std::string& tenant, std::string& name,
                      const std::string& lm, const std::string& field) {
  absl::StatusOr<v1::Program> stored = co_await ReadProgram(environment, tenant, name);
  if (!stored.ok()) co_return stored.status();
  name = absl::StrCat("programs/", SplitProgramName(stored->name())->id, "@", stored->revision());
  Named named;
  named.definition = WithModel(*std::move(stored), lm);
  absl::StatusOr<std::shared_ptr<const Program>> program = Program::Create(named.definition, environment.programs_in);
  if (!program.ok()) co_return WithFieldPrefix(program.status(), field);
  named.program = *std::move(program);
  named.models = ModelsOf(named.definition, environment.programs_in.default_lm);
  if (named.models.empty()) {
    co_return static_cast<absl::Status>(
        Error(absl::StatusCode::kFailedPrecondition, reason::kNoLanguageModel,
              "The program names no language model, and the server has no default. Name one in the job."));
  }
  const absl::Status known = CheckModels(environment, named.models, field);
  if (!known.ok()) co_return known;
  co_return named;
}

Task<PinnedExamples> Pin(const JobEnvironment& environment, const std::string& tenant, v1::ExampleSet& set,
                         const std::string& field) {
  if (set.limit() < 0) co_return Invalid(field + ".limit", "is negative. Give how many examples, or 0 for all.");
  absl::StatusOr<PinnedExamples> examples = co_await ReadExamples(environment, tenant, set);
  if (!examples.ok()) co_return WithFieldPrefix(examples.status(), field);
  if (examples->examples->size() == 0) co_return Invalid(field, "has no examples. Import some, or name another split.");
  set.set_dataset(examples->name);
  co_return examples;
}

Models JudgeModels(const Models& program, const std::string& judge_lm) {
  return judge_lm.empty() ? program : Models{judge_lm};
}

absl::Status CheckMetric(const JobEnvironment& environment, const v1::Metric& metric, const Named& named,
                         const std::string& judge_lm) {
  return ReadMetric(metric, named.definition, *named.program, environment.programs_in, judge_lm).status();
}

absl::Status CheckPromotion(const v1::CompileSpec& spec) {
  if (!spec.has_promotion()) return absl::OkStatus();
  if (!IsProgramId(spec.promotion().label())) {
    return Invalid("promotion.label", "is no label. Write lower-case letters, digits and '-'.");
  }
  if (!(spec.promotion().margin() >= 0 && spec.promotion().margin() <= 100)) {
    return Invalid("promotion.margin", "is out of range. Give 0 to 100 points.");
  }
  if (!spec.has_testset()) {
    return Invalid("promotion", "needs a testset, on which the gain is shown. Name one.");
  }
  return absl::OkStatus();
}

}  // namespace

StatusTask PinEvaluate(const JobEnvironment& environment, const std::string& tenant, v1::EvaluateSpec& spec,
                       v1::Estimate& estimate) {
  absl::Status checked = CheckSettings(spec.settings());
  if (!checked.ok()) co_return checked;
  if (spec.repeats() < 0 || spec.repeats() > kMaxRepeats) {
    co_return Invalid("repeats", absl::StrCat("is ", spec.repeats(), ". Give 1 to ", kMaxRepeats, "."));
  }
  if (spec.metric().kind_case() == v1::Metric::KIND_NOT_SET) {
    co_return Invalid("metric", "is missing. Say how predictions are scored, with exact_match for example.");
  }
  absl::StatusOr<Named> named = co_await ReadNamed(environment, tenant, *spec.mutable_program(), spec.lm(), "program");
  if (!named.ok()) co_return named.status();
  checked = CheckMetric(environment, spec.metric(), *named, spec.judge_lm());
  if (!checked.ok()) co_return checked;
  absl::StatusOr<PinnedExamples> examples = co_await Pin(environment, tenant, *spec.mutable_examples(), "examples");
  if (!examples.ok()) co_return examples.status();
  checked = CheckBudgets(
      spec.budgets(),
      {{v1::BUDGET_LINE_TASK, named->models}, {v1::BUDGET_LINE_JUDGE, JudgeModels(named->models, spec.judge_lm())}},
      *environment.prices);
  if (!checked.ok()) co_return checked;
  const absl::StatusOr<PredictionEstimate> one = co_await EstimatePrediction(
      named->definition, *named->program, *examples->examples, *environment.prices, environment.programs_in.default_lm);
  if (!one.ok()) co_return one.status();
  AddEstimate(*one, examples->examples->size() * std::max(1, spec.repeats()), estimate);
  co_return absl::OkStatus();
}

StatusTask PinCompile(const JobEnvironment& environment, const std::string& tenant, v1::CompileSpec& spec,
                      v1::Estimate& estimate) {
  absl::Status checked = CheckSettings(spec.settings());
  if (!checked.ok()) co_return checked;
  checked = MakeOptimizer(spec).status();
  if (!checked.ok()) co_return checked;
  checked = CheckPromotion(spec);
  if (!checked.ok()) co_return checked;
  if (spec.metric().kind_case() == v1::Metric::KIND_NOT_SET && !spec.has_labeled_few_shot()) {
    co_return Invalid("metric", "is missing. Say how predictions are scored, with exact_match for example.");
  }
  absl::StatusOr<Named> student =
      co_await ReadNamed(environment, tenant, *spec.mutable_program(), spec.task_lm(), "program");
  if (!student.ok()) co_return student.status();
  absl::StatusOr<Named> teacher = *student;
  if (!spec.teacher().empty()) {
    teacher = co_await ReadNamed(environment, tenant, *spec.mutable_teacher(), spec.teacher_lm(), "teacher");
    if (!teacher.ok()) co_return teacher.status();
  } else if (!spec.teacher_lm().empty()) {
    teacher->models = {spec.teacher_lm()};
    checked = CheckModels(environment, teacher->models, "teacher_lm");
    if (!checked.ok()) co_return checked;
  }
  checked = CheckMetric(environment, spec.metric(), *student, spec.judge_lm());
  if (!checked.ok()) co_return checked;
  absl::StatusOr<PinnedExamples> train = co_await Pin(environment, tenant, *spec.mutable_trainset(), "trainset");
  if (!train.ok()) co_return train.status();
  std::int64_t val = train->examples->size();
  if (spec.has_valset()) {
    const absl::StatusOr<PinnedExamples> set = co_await Pin(environment, tenant, *spec.mutable_valset(), "valset");
    if (!set.ok()) co_return set.status();
    val = set->examples->size();
  }
  std::int64_t test = 0;
  if (spec.has_testset()) {
    const absl::StatusOr<PinnedExamples> set = co_await Pin(environment, tenant, *spec.mutable_testset(), "testset");
    if (!set.ok()) co_return set.status();
    test = set->examples->size();
  }
  const Models prompt = spec.prompt_lm().empty() ? student->models : Models{spec.prompt_lm()};
  checked = CheckModels(environment, prompt, "prompt_lm");
  if (!checked.ok()) co_return checked;
  checked = CheckBudgets(spec.budgets(),
                         {{v1::BUDGET_LINE_TASK, student->models},
                          {v1::BUDGET_LINE_TEACHER, teacher->models},
                          {v1::BUDGET_LINE_PROMPT, spec.has_copro() ? prompt : Models()},
                          {v1::BUDGET_LINE_JUDGE, JudgeModels(student->models, spec.judge_lm())}},
                         *environment.prices);
  if (!checked.ok()) co_return checked;
  const absl::StatusOr<PredictionEstimate> one =
      co_await EstimatePrediction(student->definition, *student->program, *train->examples, *environment.prices,
                                  environment.programs_in.default_lm);
  if (!one.ok()) co_return one.status();
  // The student and the result are measured at the end.
  const std::int64_t predictions =
      PredictionsOf(spec, student->definition.modules_size(), train->examples->size(), val) +
      2 * (spec.has_testset() ? test : val);
  AddEstimate(*one, predictions, estimate);
  co_return absl::OkStatus();
}

}  // namespace dspex
