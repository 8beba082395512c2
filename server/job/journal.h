#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/job.pb.h"
#include "engine/base/task.h"
#include "engine/lm/language_model.h"
#include "server/store/blocking_pool.h"
#include "server/store/sqlite_database.h"

namespace dspex {

/// What came of a call of a language model: its answer, or an error that is as good as one because it is not waited
/// out (a refusal, a prompt that is too long). Errors keep their details.
using LmAnswer = absl::StatusOr<lm::Response>;

/// One entry of a lane. Digest and occurrence are those of lm::Lane.
struct JournalAnswer {
  std::string digest;
  int occurrence = 0;
  LmAnswer answer;
};

/// What an example scored in a run.
struct JournalScore {
  std::int64_t index = 0;
  double score = 0;
  /// Whether ExampleResult::error is set.
  bool failed = false;
};

struct ExampleResultPage {
  std::vector<v1::ExampleResult> results;
  /// The index of the last one; where the next page begins.
  std::int64_t last = -1;
  /// Whether more follow.
  bool more = false;
};

/// What jobs have paid for: every answer of a language model, and every scored example. A job that is run again finds
/// it here. A file of its own (journal.db), which a power loss may shorten but not damage; the death of the process
/// costs nothing that was answered. Thread-safe.
///
/// `job` is a name that is unique among all tenants. A lane of answers is that of one example (and time) of a run; a
/// run of scored examples is what CandidateRun::lane names. An entry with the key of one that is there takes its place.
///
/// Errors: RESOURCE_EXHAUSTED / DISK_FULL (nothing was kept, and it may be tried again when there is room),
/// RESOURCE_EXHAUSTED / SERVER_OVERLOADED, INTERNAL / STORAGE_FAILED. A cancelled caller gets kCancelled; its entry may
/// be kept all the same.
class Journal {
 public:
  /// Blocks. Opens or makes journal.db in the directory, which SqliteDatabase has made and locked. `pool` outlives the
  /// journal. Errors as SqliteDatabase::Open's.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(const std::string& directory, BlockingPool& pool);

  /// Returns when the entry is committed: it outlives the process.
  StatusTask AppendAnswer(std::string job, std::string lane, std::string digest, int occurrence, LmAnswer answer);

  /// The same for what an example of a run scored. `index` is its place among the run's examples.
  StatusTask AppendResult(std::string job, std::string run, std::int64_t index, v1::ExampleResult result);

  /// All answers of a lane, in the order in which they came.
  Task<std::vector<JournalAnswer>> ReadLane(std::string job, std::string lane);

  /// What the examples of a run have scored, by index: all that is needed of those that are done. Of those from `first`
  /// to `last` only.
  Task<std::vector<JournalScore>> ReadScores(std::string job, std::string run, std::int64_t first = 0,
                                             std::int64_t last = std::numeric_limits<std::int64_t>::max());

  /// Results of a run, by index; those above `after` (-1: all), at most `limit`, and fewer where they are large.
  Task<ExampleResultPage> ReadResults(std::string job, std::string run, std::int64_t after, int limit);

  /// The names of jobs that have answers.
  Task<std::vector<std::string>> JobsWithAnswers();

  /// Entries of both kinds that the job has.
  Task<std::int64_t> Count(std::string job);

  /// Makes all that was answered so far outlive the machine, too.
  StatusTask Sync();

  /// Forgets the answers of a job that will not be run again, in bounded steps; its results stay. May be called again
  /// if it was cut short.
  StatusTask DeleteAnswers(std::string job);

  /// For tests.
  SqliteDatabase& database() { return *database_; }

 private:
  explicit Journal(std::unique_ptr<SqliteDatabase> database) : database_(std::move(database)) {}

  const std::unique_ptr<SqliteDatabase> database_;
};

}  // namespace dspex
