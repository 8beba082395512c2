#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/container/node_hash_map.h>
#include <absl/strings/string_view.h>

#include <memory>
#include <string>
#include <utility>

#include "dspex/v1/job.pb.h"
#include "engine/base/semaphore.h"
#include "engine/lm/language_model.h"
#include "providers/decorators/request_digest.h"
#include "server/job/job_budgets.h"
#include "server/job/job_gate.h"
#include "server/job/journal.h"

namespace dspex {

/// What the calls of a job's language models pass through. Confined to the job's executor; outlives the models.
struct JobCalls {
  /// The job's name in the journal.
  std::string job;
  Journal* journal = nullptr;
  /// What calls cost the job.
  std::shared_ptr<const Pricing> pricing;
  JobBudgets* budgets = nullptr;
  JobGate* gate = nullptr;
  /// Whether the journal may have answers of a run before.
  bool resumed = false;
  /// A lane that is under way: what is known of its calls, by digest and occurrence.
  struct LaneState {
    absl::flat_hash_map<std::pair<std::string, int>, LmAnswer> answers;
    /// Of the answers, those of a run before that were not asked for yet.
    absl::flat_hash_set<std::pair<std::string, int>> not_asked_for;
    /// Whether a call was made that was not known.
    bool went_on = false;
    /// Whether `answers` has those of a run before; who finds that it has not reads them.
    bool loaded = false;
    Semaphore loading{1};
  };
  /// By the lane's name.
  absl::node_hash_map<std::string, LaneState> lanes;
  /// Calls that were sent.
  std::int64_t sent = 0;

  /// The lane has ended well. INTERNAL / REPLAY_DIVERGED if the journal has answers that it did not ask for, though it
  /// asked for others: the program, its data or this server are not what they were.
  absl::Status EndLane(const std::string& lane);
};

/// The language models of a job: each call is answered by the journal if it was made before; otherwise it is reserved
/// in the budgets, made, and journalled before its answer is used. Calls carry a lane (RequestRecord::lane).
class JobLanguageModels final : public lm::LanguageModels {
 public:
  /// `models` and `calls` outlive this and its models.
  JobLanguageModels(lm::LanguageModels& models, JobCalls& calls, v1::BudgetLine line)
      : models_(models), calls_(calls), line_(line) {}

  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> Find(absl::string_view name) override;

 private:
  lm::LanguageModels& models_;
  JobCalls& calls_;
  const v1::BudgetLine line_;
};

}  // namespace dspex
