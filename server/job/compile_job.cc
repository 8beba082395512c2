#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/evaluate/obstacle.h"
#include "engine/evaluate/statistics.h"
#include "engine/lm/lane.h"
#include "engine/optimizer/optimizer.h"
#include "engine/program/build_module.h"
#include "server/job/job_work.h"
#include "server/program/resource_name.h"

namespace dspex {

namespace {

/// The model that writes instructions, with the student's adapter and wording.
class JobProposer final : public Proposer {
 public:
  JobProposer(JobWork& work, v1::Program program) : work_(work), program_(std::move(program)) {}

  Task<std::vector<Json>> Propose(RequestContext context, const std::string& lane, const v1::Predictor& predictor,
                                  Json inputs) override {
    const ProgramEnvironment in = work_.In(work_.prompt_models);
    absl::StatusOr<std::shared_ptr<const Phrasebook>> phrasebook = FindPhrasebook(program_, in);
    if (!phrasebook.ok()) co_return phrasebook.status();
    v1::Module definition;
    definition.set_id("propose");
    *definition.mutable_predict() = predictor;
    absl::StatusOr<std::unique_ptr<const Module>> module =
        BuildModule(definition, program_, *std::move(phrasebook), in);
    if (!module.ok()) co_return module.status();
    while (true) {
      RequestRecord record;
      record.request_id = context.record().request_id;
      record.tenant = context.record().tenant;
      lm::Lane calls(lane);
      record.lane = &calls;
      const Sampling none;
      absl::StatusOr<Prediction> prediction =
          co_await (*module)->Forward(RequestContext(record, context.deadline()), inputs, none);
      if (prediction.ok()) {
        const absl::Status same = work_.calls.EndLane(lane);
        if (!same.ok()) co_return same;
        work_.calls.gate->Passed();
        std::vector<Json> proposals;
        for (Answer& answer : prediction->answers) proposals.push_back(std::move(answer.outputs));
        if (proposals.empty()) proposals.push_back(std::move(prediction->outputs));
        co_return proposals;
      }
      const Blame blame = BlameFor(prediction.status());
      if (blame != Blame::kObstacle && blame != Blame::kTimeout) co_return prediction.status();
      const absl::Status waited = co_await work_.calls.gate->Wait(prediction.status());
      if (!waited.ok()) co_return waited;
    }
  }

 private:
  JobWork& work_;
  const v1::Program program_;
};

/// A Compile that runs: what its spec names, read and built.
class Compilation {
 public:
  explicit Compilation(JobWork& work) : work_(work), spec_(work.job.compile()) {}

  Task<JobEnd> Run() {
    absl::Status status = co_await Read();
    if (!status.ok()) co_return status;
    absl::StatusOr<std::unique_ptr<Optimizer>> optimizer = MakeOptimizer(spec_);
    if (!optimizer.ok()) co_return optimizer.status();
    JobProposer proposer(work_, WithModel(student_, spec_.prompt_lm()));
    OptimizerPorts ports;
    ports.evaluator = evaluator_.get();
    ports.proposer = &proposer;
    ports.observer = &work_.report;
    ports.trainset = train_.examples.get();
    ports.valset = spec_.has_valset() ? val_.examples.get() : nullptr;
    ports.student = &student_;
    ports.teacher = spec_.teacher().empty() ? nullptr : &teacher_;
    ports.phrasebook = phrasebook_.get();
    absl::StatusOr<OptimizerResult> found = co_await (*optimizer)->Run(work_.context, ports);
    if (!found.ok()) co_return found.status();
    co_return co_await End(*std::move(found));
  }

 private:
  StatusTask Read() {
    const JobEnvironment& environment = work_.environment;
    const std::string& tenant = work_.claim.tenant;
    absl::StatusOr<v1::Program> student = co_await ReadProgram(environment, tenant, spec_.program());
    if (!student.ok()) co_return student.status();
    parent_ = *student;
    student_ = WithModel(*std::move(student), spec_.task_lm());
    teacher_ = student_;
    if (!spec_.teacher().empty()) {
      absl::StatusOr<v1::Program> teacher = co_await ReadProgram(environment, tenant, spec_.teacher());
      if (!teacher.ok()) co_return teacher.status();
      teacher_ = *std::move(teacher);
    }
    teacher_ = WithModel(std::move(teacher_), spec_.teacher_lm());
    absl::StatusOr<std::shared_ptr<const Phrasebook>> phrasebook = FindPhrasebook(student_, environment.programs_in);
    if (!phrasebook.ok()) co_return phrasebook.status();
    phrasebook_ = *std::move(phrasebook);
    absl::Status read = co_await ReadSets(tenant);
    if (!read.ok()) co_return read;
    co_return MakeEvaluator();
  }

  StatusTask ReadSets(const std::string& tenant) {
    const std::pair<const v1::ExampleSet*, PinnedExamples*> sets[] = {
        {&spec_.trainset(), &train_},
        {spec_.has_valset() ? &spec_.valset() : nullptr, &val_},
        {spec_.has_testset() ? &spec_.testset() : nullptr, &test_},
    };
    for (const auto& [set, examples] : sets) {
      if (set == nullptr) continue;
      absl::StatusOr<PinnedExamples> read = co_await ReadExamples(work_.environment, tenant, *set);
      if (!read.ok()) co_return read.status();
      *examples = *std::move(read);
    }
    if (!spec_.has_valset()) val_ = train_;
    co_return absl::OkStatus();
  }

  absl::Status MakeEvaluator() {
    absl::StatusOr<std::shared_ptr<const Program>> built = Program::Create(student_, work_.In(work_.task_models));
    if (!built.ok()) return built.status();
    absl::StatusOr<std::shared_ptr<const Metric>> metric =
        ReadMetric(spec_.metric(), student_, **built, work_.In(work_.judge_models), spec_.judge_lm());
    if (!metric.ok()) return metric.status();
    has_metric_ = *metric != nullptr;
    evaluator_ = std::make_unique<Evaluator>(
        ReadEvaluation(spec_.settings()),
        Evaluator::Parts{
            .make_program = [this](bool teacher,
                                   const ProgramParameters& parameters) { return Make(teacher, parameters); },
            .metric = *std::move(metric),
            .gate = work_.calls.gate,
            .log = &work_.log,
            .observer = &work_.report});
    return absl::OkStatus();
  }

  absl::StatusOr<std::shared_ptr<const Program>> Make(bool teacher, const ProgramParameters& parameters) {
    v1::Program program = teacher ? teacher_ : student_;
    if (absl::Status written = WriteParameters(parameters, program); !written.ok()) return written;
    return Program::Create(program, work_.In(teacher ? work_.teacher_models : work_.task_models));
  }

  Task<JobEnd> End(OptimizerResult found) {
    const TriedCandidate& best = found.candidates[found.best];
    JobEnd end;
    if (found.stopped_by_budget) {
      end.stop_reason = v1::STOP_REASON_BUDGET;
    } else if (found.stopped_at_score) {
      end.stop_reason = v1::STOP_REASON_SCORE;
    }
    v1::CompileResult& result = *end.last.result.emplace().mutable_compile_result();
    result.set_parent(parent_.name());
    result.set_candidate(best.number);
    const absl::Status reported = co_await Report(found, best, result);
    if (ErrorReason(reported) == reason::kBudgetSpent) {
      end.stop_reason = v1::STOP_REASON_BUDGET;
    } else if (!reported.ok()) {
      co_return reported;
    }
    const absl::StatusOr<ProgramParameters> before = ReadParameters(parent_);
    if (!before.ok()) co_return before.status();
    if (best.parameters == *before) co_return end;
    end.revision = Revision(best, result);
    co_return end;
  }

  /// The student and the best candidate on what they are reported on.
  StatusTask Report(const OptimizerResult& found, const TriedCandidate& best, v1::CompileResult& result) {
    if (!has_metric_) co_return absl::OkStatus();
    result.set_reported_on(spec_.has_testset() ? "testset" : spec_.has_valset() ? "valset" : "trainset");
    absl::StatusOr<ProgramParameters> parent = ReadParameters(parent_);
    if (!parent.ok()) co_return parent.status();
    work_.report.OnPhase("report");
    absl::StatusOr<std::vector<ExampleOutcome>> before = co_await Scores(found, *parent, std::string(kReportBefore));
    if (!before.ok()) co_return before.status();
    *result.mutable_before() = Summarize(*before);
    absl::StatusOr<std::vector<ExampleOutcome>> after =
        co_await Scores(found, best.parameters, std::string(kReportAfter));
    if (!after.ok()) co_return after.status();
    *result.mutable_after() = Summarize(*after);
    std::vector<double> gains;
    gains.reserve(before->size());
    for (std::size_t i = 0; i < before->size(); ++i) gains.push_back(100 * ((*after)[i].score - (*before)[i].score));
    WriteInterval(MeanInterval(gains), *result.mutable_gain());
    co_return absl::OkStatus();
  }

  /// Runs these parameters, unless a candidate that has them was scored on the same examples.
  Task<std::vector<ExampleOutcome>> Scores(const OptimizerResult& found, const ProgramParameters& parameters,
                                           const std::string& lane) {
    CandidateRun run;
    run.lane = lane;
    run.parameters = parameters;
    run.examples = spec_.has_testset() ? test_.examples.get() : val_.examples.get();
    if (!spec_.has_testset()) {
      for (const TriedCandidate& candidate : found.candidates) {
        if (candidate.parameters != parameters || !candidate.score.has_value()) continue;
        absl::StatusOr<std::vector<ExampleOutcome>> known = co_await Known(ScoreLane(candidate.number), lane);
        if (!known.ok()) co_return known.status();
        if (static_cast<std::int64_t>(known->size()) == run.examples->size()) co_return *std::move(known);
      }
    }
    co_return co_await evaluator_->EvaluateCandidate(work_.context, run);
  }

  /// What a candidate's run has found, also as that of `lane`.
  Task<std::vector<ExampleOutcome>> Known(const std::string& scored, const std::string& lane) {
    Journal& journal = *work_.environment.journal;
    std::vector<ExampleOutcome> outcomes;
    std::int64_t after = -1;
    while (true) {
      absl::StatusOr<ExampleResultPage> page = co_await journal.ReadResults(work_.calls.job, scored, after, 1000);
      if (!page.ok()) co_return page.status();
      for (v1::ExampleResult& result : page->results) {
        ExampleOutcome& outcome = outcomes.emplace_back();
        // Every example of a candidate that was scored has its result.
        outcome.index = ++after;
        outcome.score = result.score();
        if (result.has_error()) outcome.status = absl::UnknownError(result.error().message());
        const absl::Status kept = co_await KeepWhenThereIsRoom(
            *work_.calls.gate, [&] { return journal.AppendResult(work_.calls.job, lane, outcome.index, result); });
        if (!kept.ok()) co_return kept;
      }
      after = page->last;
      if (!page->more) co_return outcomes;
    }
  }

  ResultRevision Revision(const TriedCandidate& best, v1::CompileResult& result) const {
    v1::Program next = parent_;
    // Parameters that an optimizer made fit the student they were made for.
    WriteParameters(best.parameters, next).IgnoreError();
    *next.mutable_lineage() = LineageOf(work_.job, best.number);
    ResultRevision revision;
    revision.program = std::string(SplitProgramName(parent_.name())->id);
    revision.change = [next](const v1::Program&) { return next; };
    if (spec_.has_promotion()) Promote(result, revision);
    return revision;
  }

  void Promote(v1::CompileResult& result, ResultRevision& revision) const {
    const v1::Promotion& promotion = spec_.promotion();
    if (!spec_.has_testset()) {
      result.set_promotion("The label did not move: there is no testset to show a gain on.");
    } else if (!result.has_gain()) {
      result.set_promotion("The label did not move: the result was not measured, the budget was spent.");
    } else if (result.gain().low() <= promotion.margin()) {
      result.set_promotion(absl::StrCat("The label did not move: the gain's interval begins at ", result.gain().low(),
                                        ", which is not above the margin of ", promotion.margin(), "."));
    } else {
      revision.label = promotion.label();
      revision.label_from = parent_.revision();
      result.set_promotion(absl::StrCat("The label ", promotion.label(), " moved to the result."));
    }
  }

  JobWork& work_;
  const v1::CompileSpec& spec_;
  /// As it is stored, and with the models that the spec puts in place of its own.
  v1::Program parent_;
  v1::Program student_;
  v1::Program teacher_;
  std::shared_ptr<const Phrasebook> phrasebook_;
  PinnedExamples train_;
  PinnedExamples val_;
  PinnedExamples test_;
  bool has_metric_ = false;
  std::unique_ptr<Evaluator> evaluator_;
};

}  // namespace

Task<JobEnd> RunCompile(JobWork& work) {
  Compilation compilation(work);
  co_return co_await compilation.Run();
}

}  // namespace dspex
