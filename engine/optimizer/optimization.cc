#include "engine/optimizer/optimization.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/python_format.h"
#include "engine/state/program_predictors.h"

namespace dspex {

namespace {

absl::Status Refuse(absl::string_view field, absl::string_view problem, absl::string_view advice) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               absl::StrCat("The ", field, " ", problem, ". ", advice))
      .Violation(field, problem);
}

std::string Names(const std::vector<Field>& fields) {
  return absl::StrJoin(fields, ", ", [](std::string* out, const Field& field) { absl::StrAppend(out, field.name); });
}

// Demos of the teacher are to be the student's, so their fields must be the same.
absl::Status CheckTeacher(const v1::Program& student, const v1::Program& teacher) {
  const absl::StatusOr<std::vector<ProgramPredictor>> own = PredictorsOf(student);
  if (!own.ok()) return own.status();
  const absl::StatusOr<std::vector<ProgramPredictor>> other = PredictorsOf(teacher);
  if (!other.ok()) return WithFieldPrefix(other.status(), "teacher");
  constexpr absl::string_view kAdvice =
      "Name a revision of the student, or a program with its modules and their fields.";
  if (own->size() != other->size()) {
    return Refuse("teacher", absl::StrCat("has ", other->size(), " modules, the student ", own->size()), kAdvice);
  }
  for (std::size_t i = 0; i < own->size(); ++i) {
    const std::string& id = student.modules((*own)[i].module).id();
    const std::string& other_id = teacher.modules((*other)[i].module).id();
    if (id != other_id) {
      return Refuse("teacher", absl::StrCat("has the module ", other_id, " where the student has ", id), kAdvice);
    }
    const Signature& a = (*own)[i].signature;
    const Signature& b = (*other)[i].signature;
    if (Names(a.inputs()) != Names(b.inputs()) || Names(a.outputs()) != Names(b.outputs())) {
      return Refuse("teacher", absl::StrCat("has other fields in the module ", id, " than the student"), kAdvice);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::size_t>> Learnable(const ProgramParameters& student,
                                                   const std::vector<std::string>& frozen) {
  for (const std::string& id : frozen) {
    if (std::none_of(student.begin(), student.end(), [&id](const auto& module) { return module.module == id; })) {
      return Refuse("frozen", absl::StrCat("names '", id, "', which is no module of the program"),
                    "Name modules that it has.");
    }
  }
  std::vector<std::size_t> learnable;
  for (std::size_t i = 0; i < student.size(); ++i) {
    if (std::find(frozen.begin(), frozen.end(), student[i].module) == frozen.end()) learnable.push_back(i);
  }
  if (learnable.empty()) {
    return Refuse("frozen", "names all modules of the program", "Leave one that can learn.");
  }
  return learnable;
}

}  // namespace

absl::StatusOr<Optimization> Optimization::Start(const OptimizerPorts& ports, const CommonSettings& settings) {
  if (ports.trainset->size() == 0) {
    return Refuse("trainset", "has no examples", "Name a dataset, or a split of one, that has some.");
  }
  if (ports.valset != nullptr && ports.valset->size() == 0) {
    return Refuse("valset", "has no examples", "Name one that has some, or none: the trainset stands in.");
  }
  Optimization run(ports);
  run.max_errors_ = settings.max_errors;
  absl::StatusOr<ProgramParameters> student = ReadParameters(*ports.student);
  if (!student.ok()) return student.status();
  run.student_ = *std::move(student);
  run.teacher_ = run.student_;
  if (ports.teacher != nullptr) {
    if (absl::Status status = CheckTeacher(*ports.student, *ports.teacher); !status.ok()) return status;
    absl::StatusOr<ProgramParameters> teacher = ReadParameters(*ports.teacher);
    if (!teacher.ok()) return WithFieldPrefix(teacher.status(), "teacher");
    run.teacher_ = *std::move(teacher);
  }
  absl::StatusOr<std::vector<std::size_t>> learnable = Learnable(run.student_, settings.frozen);
  if (!learnable.ok()) return learnable.status();
  run.learnable_ = *std::move(learnable);
  return run;
}

bool Optimization::is_learnable(std::size_t module) const {
  return std::find(learnable_.begin(), learnable_.end(), module) != learnable_.end();
}

ProgramParameters Optimization::ResetStudent() const {
  ProgramParameters parameters = student_;
  for (const std::size_t module : learnable_) parameters[module].demos.clear();
  return parameters;
}

int Optimization::Add(std::string origin, ProgramParameters parameters) {
  const int number = next_candidate();
  candidates_.push_back({.number = number, .origin = std::move(origin), .parameters = std::move(parameters)});
  ports_->observer->OnCandidate(candidates_.back());
  return number;
}

Task<double> Optimization::Score(RequestContext context, int candidate) {
  TriedCandidate& tried = candidates_[static_cast<std::size_t>(candidate)];
  const CandidateRun run{.lane = ScoreLane(candidate),
                         .parameters = tried.parameters,
                         .examples = ports_->valset != nullptr ? ports_->valset : ports_->trainset,
                         .candidate = candidate};
  const absl::StatusOr<std::vector<ExampleOutcome>> outcomes =
      co_await ports_->evaluator->EvaluateCandidate(context, run);
  if (!outcomes.ok()) co_return outcomes.status();
  tried.score = PercentScore(*outcomes);
  ports_->observer->OnCandidate(tried);
  co_return *tried.score;
}

bool Optimization::EndsWith(const absl::Status& status) const {
  return ErrorReason(status) == reason::kBudgetSpent &&
         std::any_of(candidates_.begin(), candidates_.end(), [](const auto& tried) { return tried.score.has_value(); });
}

void Optimization::Decide(absl::string_view example_id, absl::string_view verdict, absl::string_view why) const {
  ports_->observer->OnDecision(example_id, next_candidate(), verdict, why);
}

std::size_t Optimization::BestCandidate() const {
  std::size_t best = 0;
  for (std::size_t i = 1; i < candidates_.size(); ++i) {
    if (!candidates_[i].score.has_value()) continue;
    if (!candidates_[best].score.has_value() || *candidates_[i].score > *candidates_[best].score) best = i;
  }
  return best;
}

OptimizerResult Optimization::Finish(std::size_t best) {
  const TriedCandidate& chosen = candidates_[best];
  ports_->observer->OnDecision("", chosen.number, "chosen",
                               chosen.score.has_value() ? absl::StrCat("its score, ", PythonStr(*chosen.score),
                                                                       ", is the highest of ", candidates_.size())
                                                        : "it is the only candidate");
  return {.candidates = std::move(candidates_), .best = best};
}

std::vector<std::int64_t> InOrder(std::int64_t size) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(size));
  std::iota(indices.begin(), indices.end(), std::int64_t{0});
  return indices;
}

}  // namespace dspex
