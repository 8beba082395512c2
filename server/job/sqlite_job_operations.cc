#include "server/job/sqlite_job_operations.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "google/rpc/status.pb.h"
#include "server/job/job_state.h"
#include "server/store/sqlite_program_rows.h"
#include "server/store/sqlite_statement.h"

namespace dspex {

namespace {

void Note(const JobRow& row, JobEffects& effects) {
  effects.changed.push_back({row.tenant, row.id});
  if (row.state == v1::JOB_STATE_QUEUED) effects.queued = true;
}

// What is known of the job's progress says nothing of its next resume.
void ForgetProgress(JobRow& row) {
  row.progress_mark = -1;
  row.barren_resumes = 0;
}

// Puts a job back that nobody runs any more, or ends it if that was wished. The row is saved.
absl::Status Requeue(SQLite::Database& db, JobRow& row, absl::Time now) {
  if (row.cancel_requested) return EndJob(db, row, now, v1::JOB_STATE_CANCELLED);
  if (absl::Status changed = ChangeState(db, row, now, v1::JOB_STATE_QUEUED); !changed.ok()) return changed;
  row.facts.clear_error();
  ++row.resumes;
  ++row.epoch;
  row.owner.clear();
  row.lease_end = now;
  SaveJob(db, row);
  return absl::OkStatus();
}

void TakeResult(v1::Job& from, v1::Job& facts) {
  if (from.has_compile_result()) *facts.mutable_compile_result() = std::move(*from.mutable_compile_result());
  if (from.has_evaluate_result()) *facts.mutable_evaluate_result() = std::move(*from.mutable_evaluate_result());
}

absl::Status TakeState(SQLite::Database& db, JobRow& row, absl::Time now, v1::JobState state,
                       const google::rpc::Status& waiting_for) {
  if (HasEnded(state) || state == v1::JOB_STATE_QUEUED) return IllegalTransition(row.name(), row.state, state);
  if (state != row.state) {
    if (absl::Status changed = ChangeState(db, row, now, state); !changed.ok()) return changed;
  }
  row.facts.clear_error();
  if (state != v1::JOB_STATE_WAITING) return absl::OkStatus();
  *row.facts.mutable_error() = waiting_for;
  v1::JobEvent waiting;
  *waiting.mutable_waiting() = waiting_for;
  AppendEvent(db, row, now, std::move(waiting));
  return absl::OkStatus();
}

// All of the update but its state. The row is to be saved.
void TakeUpdate(SQLite::Database& db, JobRow& row, absl::Time now, JobUpdate& update) {
  if (update.progress.has_value()) *row.facts.mutable_progress() = *std::move(update.progress);
  if (update.spending.has_value()) {
    row.facts.mutable_spending()->Assign(update.spending->begin(), update.spending->end());
  }
  if (update.result.has_value()) TakeResult(*update.result, row.facts);
  for (const v1::Candidate& candidate : update.candidates) {
    const std::string bytes = candidate.SerializeAsString();
    Execute(db, "INSERT OR REPLACE INTO job_candidates (job, number, candidate) VALUES (?, ?, ?)", row.uid,
            std::int64_t{candidate.number()}, Blob{bytes});
  }
  for (NewJobEvent& event : update.events) {
    if (event.ordinal != 0 && event.ordinal <= row.last_ordinal) continue;
    row.last_ordinal = std::max(row.last_ordinal, event.ordinal);
    AppendEvent(db, row, now, std::move(event.event));
  }
}

// Makes the revision, moves the label, and writes both down as the job's result.
absl::Status MakeRevision(SQLite::Database& db, JobRow& row, absl::Time now, const ResultRevision& result,
                          JobEffects& effects) {
  const absl::StatusOr<v1::Program> program = UpdateProgramIn(db, row.tenant, result.program, "", now, result.change);
  if (!program.ok()) return program.status();
  effects.program = JobEffects::Name{row.tenant, result.program};
  v1::CompileResult& made = *row.facts.mutable_compile_result();
  made.set_program(absl::StrCat(program->name(), "@", program->revision()));
  if (result.label.empty()) return absl::OkStatus();
  const auto label = program->labels().find(result.label);
  const std::int64_t present = label == program->labels().end() ? 0 : label->second;
  if (present != result.label_from) {
    made.set_promotion(absl::StrCat("The label \"", result.label, "\" stays: it ",
                                    present == 0 ? "is gone" : absl::StrCat("names revision ", present, " now"),
                                    ", not revision ", result.label_from, " which the job began with."));
    return absl::OkStatus();
  }
  const absl::StatusOr<v1::Program> moved =
      SetProgramLabelIn(db, row.tenant, result.program, "", result.label, program->revision());
  return moved.status();
}

}  // namespace

absl::StatusOr<JobRow> LoadClaimed(SQLite::Database& db, const JobClaim& claim) {
  absl::StatusOr<JobRow> row = LoadJob(db, claim.tenant, claim.id);
  if (!row.ok()) return row;
  const bool runs = row->state == v1::JOB_STATE_RUNNING || row->state == v1::JOB_STATE_WAITING;
  if (row->epoch != claim.epoch || !runs) return JobLost(claim.id);
  return row;
}

absl::StatusOr<v1::Job> CreateJobIn(SQLite::Database& db, const std::string& tenant, const v1::Job& job, absl::Time now,
                                    JobEffects& effects) {
  const absl::StatusOr<JobRow> row = InsertJob(db, tenant, job, now);
  if (!row.ok()) return row.status();
  Note(*row, effects);
  return ToMessage(db, *row);
}

absl::StatusOr<v1::Job> RequestCancelIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                        absl::Time now, JobEffects& effects) {
  absl::StatusOr<JobRow> row = LoadJob(db, tenant, id);
  if (!row.ok()) return row.status();
  if (HasEnded(row->state)) return ToMessage(db, *row);
  row->cancel_requested = true;
  if (row->IsRun(now)) {
    SaveJob(db, *row);
  } else {
    row->facts.clear_error();
    if (absl::Status ended = EndJob(db, *row, now, v1::JOB_STATE_CANCELLED); !ended.ok()) return ended;
  }
  Note(*row, effects);
  return ToMessage(db, *row);
}

absl::StatusOr<v1::Job> ResumeJobIn(SQLite::Database& db, const std::string& tenant, const std::string& id,
                                    const google::protobuf::RepeatedPtrField<v1::Budget>& budgets, absl::Time now,
                                    JobEffects& effects) {
  absl::StatusOr<JobRow> row = LoadJob(db, tenant, id);
  if (!row.ok()) return row.status();
  if (!HasEnded(row->state)) return IllegalTransition(row->name(), row->state, v1::JOB_STATE_QUEUED);
  if (absl::Status changed = ChangeState(db, *row, now, v1::JOB_STATE_QUEUED); !changed.ok()) return changed;
  row->cancel_requested = false;
  row->end_time.reset();
  row->facts.clear_error();
  row->facts.clear_stop_reason();
  ForgetProgress(*row);
  SaveJob(db, *row);
  if (!budgets.empty()) {
    absl::StatusOr<v1::Job> spec = LoadSpec(db, *row);
    if (!spec.ok()) return spec;
    if (spec->has_compile()) *spec->mutable_compile()->mutable_budgets() = budgets;
    if (spec->has_evaluate()) *spec->mutable_evaluate()->mutable_budgets() = budgets;
    SaveSpec(db, *row, *spec);
  }
  Note(*row, effects);
  return ToMessage(db, *row);
}

absl::StatusOr<std::optional<ClaimedJob>> ClaimJobIn(SQLite::Database& db, const std::string& owner,
                                                     absl::Duration lease, absl::Time now, JobEffects& effects) {
  while (true) {
    SQLite::Statement next = Query(
        db, "SELECT uid FROM jobs WHERE state IN (1, 2, 3) AND (state = 1 OR lease_end <= ?) ORDER BY uid LIMIT 1",
        std::int64_t{absl::ToUnixNanos(now)});
    if (!next.executeStep()) return std::nullopt;
    absl::StatusOr<JobRow> row = LoadJob(db, next.getColumn(0).getInt64());
    if (!row.ok()) return row.status();
    if (row->state != v1::JOB_STATE_QUEUED) {
      // A job that waited has done nothing that could have taken its server down.
      if (row->state == v1::JOB_STATE_WAITING) ForgetProgress(*row);
      if (absl::Status back = Requeue(db, *row, now); !back.ok()) return back;
    }
    Note(*row, effects);
    if (HasEnded(row->state)) continue;
    if (absl::Status changed = ChangeState(db, *row, now, v1::JOB_STATE_RUNNING); !changed.ok()) return changed;
    if (!row->start_time.has_value()) row->start_time = now;
    ++row->epoch;
    row->owner = owner;
    row->lease_end = now + lease;
    SaveJob(db, *row);
    absl::StatusOr<v1::Job> job = ToMessage(db, *row);
    if (!job.ok()) return job.status();
    return ClaimedJob{{row->tenant, row->id, row->epoch}, *std::move(job)};
  }
}

absl::Status JobStuck(const std::string& id, std::int64_t barren_resumes) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kJobStuck,
               absl::StrCat("The job jobs/", id, " was taken up ", barren_resumes,
                            " times after its server had gone, and got no further. Look in the log for why the server "
                            "went away, then resume the job."))
      .With("job", absl::StrCat("jobs/", id))
      .With("resumes", barren_resumes);
}

absl::StatusOr<std::int64_t> CheckProgressIn(SQLite::Database& db, const JobClaim& claim, std::int64_t journal_entries,
                                             absl::Time now, JobEffects& effects) {
  absl::StatusOr<JobRow> row = LoadClaimed(db, claim);
  if (!row.ok()) return row.status();
  const std::int64_t progress = journal_entries + row->last_ordinal;
  row->barren_resumes = progress > row->progress_mark ? 0 : row->barren_resumes + 1;
  row->progress_mark = progress;
  if (row->barren_resumes < JobStore::kMaxBarrenResumes) {
    SaveJob(db, *row);
    return row->barren_resumes;
  }
  *row->facts.mutable_error() = ToRpcStatus(JobStuck(claim.id, row->barren_resumes));
  if (absl::Status ended = EndJob(db, *row, now, v1::JOB_STATE_FAILED); !ended.ok()) return ended;
  Note(*row, effects);
  return row->barren_resumes;
}

absl::StatusOr<bool> RenewJobIn(SQLite::Database& db, const JobClaim& claim, absl::Duration lease, absl::Time now) {
  absl::StatusOr<JobRow> row = LoadClaimed(db, claim);
  if (!row.ok()) return row.status();
  row->lease_end = now + lease;
  SaveJob(db, *row);
  return row->cancel_requested;
}

absl::Status ReleaseJobIn(SQLite::Database& db, const JobClaim& claim, absl::Time now, JobEffects& effects) {
  absl::StatusOr<JobRow> row = LoadClaimed(db, claim);
  if (!row.ok()) return row.status();
  ForgetProgress(*row);
  if (absl::Status back = Requeue(db, *row, now); !back.ok()) return back;
  Note(*row, effects);
  return absl::OkStatus();
}

absl::Status UpdateJobIn(SQLite::Database& db, const JobClaim& claim, JobUpdate update, absl::Time now,
                         JobEffects& effects) {
  absl::StatusOr<JobRow> row = LoadClaimed(db, claim);
  if (!row.ok()) return row.status();
  if (update.state.has_value()) {
    const absl::Status changed = TakeState(db, *row, now, *update.state, update.waiting_for);
    if (!changed.ok()) return changed;
  }
  TakeUpdate(db, *row, now, update);
  SaveJob(db, *row);
  Note(*row, effects);
  return absl::OkStatus();
}

absl::StatusOr<v1::Job> FinishJobIn(SQLite::Database& db, const JobClaim& claim, JobEnd end, absl::Time now,
                                    JobEffects& effects) {
  absl::StatusOr<JobRow> row = LoadClaimed(db, claim);
  if (!row.ok()) return row.status();
  if (!HasEnded(end.state)) return IllegalTransition(row->name(), row->state, end.state);
  TakeUpdate(db, *row, now, end.last);
  if (end.revision.has_value()) {
    if (absl::Status made = MakeRevision(db, *row, now, *end.revision, effects); !made.ok()) return made;
  }
  row->facts.clear_error();
  if (end.state == v1::JOB_STATE_FAILED) *row->facts.mutable_error() = std::move(end.error);
  row->facts.set_stop_reason(end.stop_reason);
  if (absl::Status ended = EndJob(db, *row, now, end.state); !ended.ok()) return ended;
  Note(*row, effects);
  return ToMessage(db, *row);
}

}  // namespace dspex
