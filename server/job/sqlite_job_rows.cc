#include "server/job/sqlite_job_rows.h"

#include <absl/strings/str_cat.h>
#include <google/protobuf/util/time_util.h>

#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/job/job_state.h"
#include "server/store/sqlite_statement.h"

namespace dspex {

namespace {

constexpr char kColumns[] =
    "uid, tenant, id, state, facts, create_time, start_time, end_time, epoch, owner, lease_end, cancel_requested, "
    "resumes, last_event, last_ordinal, progress_mark, barren_resumes";

absl::Status Damaged(const std::string& name) {
  return Error(absl::StatusCode::kInternal, reason::kStorage, absl::StrCat("What is stored of ", name, " is damaged."))
      .With("job", name);
}

absl::StatusOr<v1::Job> Parse(const SQLite::Column& column, const std::string& name) {
  v1::Job job;
  if (!job.ParseFromArray(column.getBlob(), column.getBytes())) return Damaged(name);
  return job;
}

std::optional<absl::Time> TimeOf(const SQLite::Column& column) {
  if (column.isNull()) return std::nullopt;
  return absl::FromUnixNanos(column.getInt64());
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  return google::protobuf::util::TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(time));
}

void BindTime(SQLite::Statement& statement, int index, const std::optional<absl::Time>& time) {
  if (time.has_value()) statement.bind(index, std::int64_t{absl::ToUnixNanos(*time)});
}

// The columns of kColumns.
absl::StatusOr<JobRow> ReadRow(SQLite::Statement& columns) {
  JobRow row;
  row.uid = columns.getColumn(0).getInt64();
  row.tenant = columns.getColumn(1).getString();
  row.id = columns.getColumn(2).getString();
  row.state = static_cast<v1::JobState>(columns.getColumn(3).getInt());
  absl::StatusOr<v1::Job> facts = Parse(columns.getColumn(4), row.name());
  if (!facts.ok()) return facts.status();
  row.facts = *std::move(facts);
  row.create_time = absl::FromUnixNanos(columns.getColumn(5).getInt64());
  row.start_time = TimeOf(columns.getColumn(6));
  row.end_time = TimeOf(columns.getColumn(7));
  row.epoch = columns.getColumn(8).getInt64();
  row.owner = columns.getColumn(9).getString();
  row.lease_end = absl::FromUnixNanos(columns.getColumn(10).getInt64());
  row.cancel_requested = columns.getColumn(11).getInt() != 0;
  row.resumes = columns.getColumn(12).getInt64();
  row.last_event = columns.getColumn(13).getInt64();
  row.last_ordinal = columns.getColumn(14).getInt64();
  row.progress_mark = columns.getColumn(15).getInt64();
  row.barren_resumes = columns.getColumn(16).getInt64();
  return row;
}

v1::Job SpecOf(const v1::Job& job) {
  v1::Job spec;
  if (job.has_compile()) *spec.mutable_compile() = job.compile();
  if (job.has_evaluate()) *spec.mutable_evaluate() = job.evaluate();
  if (job.has_pins()) *spec.mutable_pins() = job.pins();
  return spec;
}

}  // namespace

std::string JobRow::name() const { return absl::StrCat("jobs/", id); }

bool JobRow::IsRun(absl::Time now) const {
  return (state == v1::JOB_STATE_RUNNING || state == v1::JOB_STATE_WAITING) && now < lease_end;
}

absl::StatusOr<JobRow> InsertJob(SQLite::Database& db, const std::string& tenant, const v1::Job& job, absl::Time now) {
  const std::string spec = SpecOf(job).SerializeAsString();
  const std::string facts;
  Execute(db,
          "INSERT INTO jobs (tenant, id, state, spec, facts, create_time, epoch, owner, lease_end, cancel_requested, "
          "resumes, last_event, last_ordinal, progress_mark, barren_resumes) "
          "VALUES (?, 'j' || lower(hex(randomblob(6))), ?, ?, ?, ?, 0, '', 0, 0, 0, 0, 0, -1, 0)",
          tenant, std::int64_t{v1::JOB_STATE_QUEUED}, Blob{spec}, Blob{facts}, std::int64_t{absl::ToUnixNanos(now)});
  absl::StatusOr<JobRow> row = LoadJob(db, db.getLastInsertRowid());
  if (!row.ok()) return row;
  v1::JobEvent queued;
  queued.set_state(v1::JOB_STATE_QUEUED);
  AppendEvent(db, *row, now, std::move(queued));
  SaveJob(db, *row);
  return row;
}

absl::StatusOr<JobRow> LoadJob(SQLite::Database& db, const std::string& tenant, const std::string& id) {
  static const std::string sql = absl::StrCat("SELECT ", kColumns, " FROM jobs WHERE tenant = ? AND id = ?");
  SQLite::Statement columns = Query(db, sql.c_str(), tenant, id);
  if (!columns.executeStep()) return JobNotFound(id);
  return ReadRow(columns);
}

absl::StatusOr<JobRow> LoadJob(SQLite::Database& db, std::int64_t uid) {
  static const std::string sql = absl::StrCat("SELECT ", kColumns, " FROM jobs WHERE uid = ?");
  SQLite::Statement columns = Query(db, sql.c_str(), uid);
  if (!columns.executeStep()) return JobNotFound("?");
  return ReadRow(columns);
}

void SaveJob(SQLite::Database& db, const JobRow& row) {
  const std::string facts = row.facts.SerializeAsString();
  SQLite::Statement update(
      db,
      "UPDATE jobs SET state = ?, facts = ?, epoch = ?, owner = ?, lease_end = ?, cancel_requested = ?, resumes = ?, "
      "last_event = ?, last_ordinal = ?, progress_mark = ?, barren_resumes = ?, start_time = ?, end_time = ? "
      "WHERE uid = ?");
  BindOne(update, 1, std::int64_t{row.state});
  BindOne(update, 2, Blob{facts});
  BindOne(update, 3, row.epoch);
  BindOne(update, 4, row.owner);
  BindOne(update, 5, std::int64_t{absl::ToUnixNanos(row.lease_end)});
  BindOne(update, 6, std::int64_t{row.cancel_requested});
  BindOne(update, 7, row.resumes);
  BindOne(update, 8, row.last_event);
  BindOne(update, 9, row.last_ordinal);
  BindOne(update, 10, row.progress_mark);
  BindOne(update, 11, row.barren_resumes);
  BindTime(update, 12, row.start_time);
  BindTime(update, 13, row.end_time);
  BindOne(update, 14, row.uid);
  update.exec();
}

absl::StatusOr<v1::Job> LoadSpec(SQLite::Database& db, const JobRow& row) {
  SQLite::Statement spec = Query(db, "SELECT spec FROM jobs WHERE uid = ?", row.uid);
  if (!spec.executeStep()) return JobNotFound(row.id);
  return Parse(spec.getColumn(0), row.name());
}

void SaveSpec(SQLite::Database& db, const JobRow& row, const v1::Job& spec) {
  const std::string bytes = SpecOf(spec).SerializeAsString();
  Execute(db, "UPDATE jobs SET spec = ? WHERE uid = ?", Blob{bytes}, row.uid);
}

absl::StatusOr<v1::Job> ToMessage(SQLite::Database& db, const JobRow& row) {
  absl::StatusOr<v1::Job> job = LoadSpec(db, row);
  if (!job.ok()) return job;
  job->MergeFrom(row.facts);
  job->set_name(row.name());
  job->set_state(row.state);
  *job->mutable_create_time() = ToTimestamp(row.create_time);
  if (row.start_time.has_value()) *job->mutable_start_time() = ToTimestamp(*row.start_time);
  if (row.end_time.has_value()) *job->mutable_end_time() = ToTimestamp(*row.end_time);
  job->set_resumes(static_cast<std::int32_t>(row.resumes));
  job->set_cancel_requested(row.cancel_requested);
  job->set_last_event(row.last_event);
  return job;
}

void AppendEvent(SQLite::Database& db, JobRow& row, absl::Time now, v1::JobEvent event) {
  event.set_number(++row.last_event);
  *event.mutable_time() = ToTimestamp(now);
  const std::string bytes = event.SerializeAsString();
  Execute(db, "INSERT INTO job_events (job, number, event) VALUES (?, ?, ?)", row.uid, row.last_event, Blob{bytes});
}

absl::Status ChangeState(SQLite::Database& db, JobRow& row, absl::Time now, v1::JobState state) {
  if (absl::Status legal = CheckTransition(row.name(), row.state, state); !legal.ok()) return legal;
  row.state = state;
  v1::JobEvent event;
  event.set_state(state);
  AppendEvent(db, row, now, std::move(event));
  return absl::OkStatus();
}

absl::Status EndJob(SQLite::Database& db, JobRow& row, absl::Time now, v1::JobState state) {
  if (absl::Status legal = CheckTransition(row.name(), row.state, state); !legal.ok()) return legal;
  row.state = state;
  row.end_time = now;
  ++row.epoch;
  row.owner.clear();
  row.lease_end = now;
  // The event has the job with the event's own number in it.
  ++row.last_event;
  SaveJob(db, row);
  absl::StatusOr<v1::Job> job = ToMessage(db, row);
  if (!job.ok()) return job.status();
  v1::JobEvent event;
  *event.mutable_ended() = *std::move(job);
  --row.last_event;
  AppendEvent(db, row, now, std::move(event));
  return absl::OkStatus();
}

}  // namespace dspex
