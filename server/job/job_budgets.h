#pragma once

#include <absl/container/flat_hash_map.h>
#include <google/protobuf/repeated_ptr_field.h>

#include <optional>
#include <vector>

#include "dspex/v1/job.pb.h"
#include "engine/base/context.h"
#include "engine/base/semaphore.h"
#include "engine/base/task.h"
#include "server/job/job_store.h"

namespace dspex {

/// What a running job may spend and has spent, by line. Before a call is sent, its place in the budgets of its line and
/// of all lines together is reserved; what is about to be sent on is drawn in the store first, a block at a time, so
/// that a server that is killed forfeits one block and never spends a budget twice.
///
/// A budget of calls is never exceeded; one of tokens or money by no more than the calls that were under way when it
/// was spent, since what they cost is known when they end. Confined to one executor.
class JobBudgets {
 public:
  /// `accounts` is what the store has of the job, `spending` what the job says. `store` outlives this. `started` is
  /// when the job first ran, for a budget of time.
  JobBudgets(JobStore& store, JobClaim claim, const google::protobuf::RepeatedPtrField<v1::Budget>& budgets,
             const std::vector<BudgetAccount>& accounts,
             const google::protobuf::RepeatedPtrField<v1::Spending>& spending, TimePoint started);

  /// Reserves a call. RESOURCE_EXHAUSTED / BUDGET_SPENT, metadata `line` and `budget`; else each success is followed by
  /// one Settle.
  StatusTask Reserve(v1::BudgetLine line);

  /// A call that was reserved has ended, and consumed this.
  void Settle(v1::BudgetLine line, const Usage& usage);

  /// Gives back what is drawn and not spent: when nothing is under way any more and the job will go on elsewhere.
  StatusTask GiveBack();

  /// By line, those on which nothing was spent left out; all together first.
  std::vector<v1::Spending> spending() const;

 private:
  struct Line {
    std::optional<Money> cost;
    std::optional<std::int64_t> tokens;
    std::optional<std::int64_t> lm_calls;
    /// What counts as spent: what was drawn before, and what calls have consumed since.
    BudgetAmount used;
    BudgetAmount drawn;
    /// What calls have consumed in this run, and how many.
    BudgetAmount seen;
    std::int64_t under_way = 0;
    Usage usage;

    bool bounded() const { return cost.has_value() || tokens.has_value() || lm_calls.has_value(); }
    /// What `calls` more calls would consume, as calls did on average.
    BudgetAmount Expected(std::int64_t calls) const;
    /// Which bound does not reach for another call; empty if all do.
    absl::string_view Exhausted() const;
    /// How much must be drawn before another call may be sent.
    std::optional<BudgetAmount> MissingBlock() const;
  };

  StatusTask Draw(v1::BudgetLine name, Line& line);

  JobStore& store_;
  const JobClaim claim_;
  const TimePoint started_;
  Clock::duration time_ = Clock::duration::max();
  std::vector<Line> lines_;
  Semaphore drawing_{1};
};

}  // namespace dspex
