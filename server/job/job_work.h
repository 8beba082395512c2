#pragma once

#include <memory>
#include <string>
#include <utility>

#include "dspex/v1/job.pb.h"
#include "engine/base/context.h"
#include "engine/evaluate/evaluator.h"
#include "engine/evaluate/statistics.h"
#include "engine/metric/metric.h"
#include "server/dataset/stored_examples.h"
#include "server/job/job_environment.h"
#include "server/job/job_models.h"
#include "server/job/job_report.h"
#include "server/job/job_store.h"

namespace dspex {

/// The score log of a job: results go to the journal, with room on the disk waited for.
class JobScoreLog final : public ScoreLog {
 public:
  /// `calls` outlive this.
  explicit JobScoreLog(JobCalls& calls) : calls_(calls) {}

  Task<std::vector<Past>> Load(const CandidateRun& run) override;
  StatusTask Add(const CandidateRun& run, ExampleRecord record) override;

 private:
  JobCalls& calls_;
};

/// What a job works with while it runs. Confined to its executor; what it refers to outlives it.
struct JobWork {
  const JobEnvironment& environment;
  const JobClaim& claim;
  const v1::Job& job;
  JobCalls& calls;
  JobReport& report;
  RequestContext context;
  JobScoreLog log{calls};
  JobLanguageModels task_models{*environment.programs_in.language_models, calls, v1::BUDGET_LINE_TASK};
  JobLanguageModels teacher_models{*environment.programs_in.language_models, calls, v1::BUDGET_LINE_TEACHER};
  JobLanguageModels prompt_models{*environment.programs_in.language_models, calls, v1::BUDGET_LINE_PROMPT};
  JobLanguageModels judge_models{*environment.programs_in.language_models, calls, v1::BUDGET_LINE_JUDGE};

  /// The surroundings of programs whose calls are of one line.
  ProgramEnvironment In(lm::LanguageModels& models) const;
};

/// Runs the job's spec to its end. An error ends the job FAILED, unless it says that the run itself is over (CANCELLED,
/// JOB_LOST). `work` outlives the task.
Task<JobEnd> RunEvaluate(JobWork& work);
Task<JobEnd> RunCompile(JobWork& work);

// What the two share, and the service checks specs with.

/// "programs/qa@3" as it was stored.
Task<v1::Program> ReadProgram(const JobEnvironment& environment, std::string tenant, const std::string& name);

/// The program with `lm` in place of all the models that it names; unless that is empty.
v1::Program WithModel(v1::Program program, const std::string& lm);

Task<PinnedExamples> ReadExamples(const JobEnvironment& environment, std::string tenant, const v1::ExampleSet& set);

/// Null for a metric that is not set.
absl::StatusOr<std::shared_ptr<const Metric>> ReadMetric(const v1::Metric& metric, const v1::Program& program,
                                                         const Program& built, ProgramEnvironment judges,
                                                         const std::string& judge_lm);

/// What a job is called in the journal.
std::string JournalName(absl::string_view tenant, absl::string_view job_id);

/// The lane of an Evaluate's run, by which time it is.
std::string EvaluateLane(int repeat);

/// The lanes of the runs that a Compile reports.
inline constexpr absl::string_view kReportBefore = "report/before";
inline constexpr absl::string_view kReportAfter = "report/after";

/// Where a program that a Compile made came from.
v1::Lineage LineageOf(const v1::Job& job, int candidate);

/// Rollout ids of a job's repeats begin here: no other job has them.
long long RolloutBase(const std::string& job_id);

Evaluator::Options ReadEvaluation(const v1::EvaluationSettings& settings);

void WriteInterval(const ConfidenceInterval& interval, v1::Interval& proto);

/// Score and interval of a run's outcomes; at least one.
v1::EvaluateResult Summarize(const std::vector<ExampleOutcome>& outcomes);

}  // namespace dspex
