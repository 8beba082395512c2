#include "server/job/job_budgets.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string>

#include "engine/base/error.h"
#include "engine/base/proto_duration.h"
#include "engine/base/reasons.h"
#include "server/service/usage_proto.h"

namespace dspex {

namespace {

// A budget is drawn in so many blocks: so much of it a kill can forfeit at most.
constexpr std::int64_t kBlocks = 64;

BudgetAmount operator+(BudgetAmount a, const BudgetAmount& b) {
  return {a.cost + b.cost, a.tokens + b.tokens, a.lm_calls + b.lm_calls};
}

BudgetAmount AmountOf(const Usage& usage) {
  return {.cost = usage.cost, .tokens = usage.input_tokens + usage.output_tokens, .lm_calls = 1};
}

Money MoneyPart(Money money, std::int64_t parts) { return Money::Picodollars(money.picodollars() / parts); }

Money Less(Money a, Money b) {
  return Money::Picodollars(std::max<std::int64_t>(0, a.picodollars() - b.picodollars()));
}

absl::Status BudgetSpent(v1::BudgetLine line, absl::string_view budget) {
  std::string name = absl::AsciiStrToLower(v1::BudgetLine_Name(line).substr(sizeof("BUDGET_LINE_") - 1));
  if (line == v1::BUDGET_LINE_UNSPECIFIED) name = "all";
  return Error(
             absl::StatusCode::kResourceExhausted, reason::kBudgetSpent,
             absl::StrCat("The job's budget of ", budget, " (", name,
                          ") is spent. Its result is the best of what was completely scored; ResumeJob takes a greater "
                          "budget."))
      .With("line", name)
      .With("budget", budget);
}

}  // namespace

BudgetAmount JobBudgets::Line::Expected(std::int64_t calls) const {
  BudgetAmount expected{.cost = {}, .tokens = 0, .lm_calls = calls};
  if (seen.lm_calls == 0) return expected;
  expected.cost = MoneyPart(seen.cost, seen.lm_calls) * calls;
  expected.tokens = seen.tokens / seen.lm_calls * calls;
  return expected;
}

absl::string_view JobBudgets::Line::Exhausted() const {
  const BudgetAmount now = used + Expected(under_way);
  if (lm_calls.has_value() && now.lm_calls >= *lm_calls) return "lm_calls";
  if (tokens.has_value() && now.tokens >= *tokens) return "tokens";
  if (cost.has_value() && now.cost >= *cost) return "cost";
  return {};
}

std::optional<BudgetAmount> JobBudgets::Line::MissingBlock() const {
  const BudgetAmount next = used + Expected(under_way + 1);
  BudgetAmount block;
  if (lm_calls.has_value() && next.lm_calls > drawn.lm_calls) {
    block.lm_calls = std::max(std::max<std::int64_t>(1, *lm_calls / kBlocks), next.lm_calls - drawn.lm_calls);
    block.lm_calls = std::min(block.lm_calls, std::max(*lm_calls - drawn.lm_calls, next.lm_calls - drawn.lm_calls));
  }
  if (tokens.has_value() && next.tokens > drawn.tokens) {
    block.tokens = std::max(std::max<std::int64_t>(1, *tokens / kBlocks), next.tokens - drawn.tokens);
  }
  if (cost.has_value() && next.cost > drawn.cost) {
    block.cost = std::max(MoneyPart(*cost, kBlocks), Less(next.cost, drawn.cost));
  }
  if (block == BudgetAmount()) return std::nullopt;
  return block;
}

JobBudgets::JobBudgets(JobStore& store, JobClaim claim, const google::protobuf::RepeatedPtrField<v1::Budget>& budgets,
                       const std::vector<BudgetAccount>& accounts,
                       const google::protobuf::RepeatedPtrField<v1::Spending>& spending, TimePoint started)
    : store_(store), claim_(std::move(claim)), started_(started), lines_(v1::BudgetLine_ARRAYSIZE) {
  for (const v1::Budget& budget : budgets) {
    Line& line = lines_[static_cast<std::size_t>(budget.line())];
    if (!budget.cost().empty()) line.cost = Money::Parse(budget.cost());
    if (budget.has_tokens()) line.tokens = budget.tokens();
    if (budget.has_lm_calls()) line.lm_calls = budget.lm_calls();
    if (budget.has_time()) time_ = ReadDuration(budget.time());
  }
  for (const v1::Spending& spent : spending) {
    lines_[static_cast<std::size_t>(spent.line())].usage = ReadUsage(spent.usage());
  }
  for (const BudgetAccount& account : accounts) {
    Line& line = lines_[static_cast<std::size_t>(account.line)];
    line.drawn = account.drawn;
    line.used = account.drawn;
  }
}

StatusTask JobBudgets::Reserve(v1::BudgetLine line) {
  if (time_ != Clock::duration::max() && Clock::now() - started_ >= time_) {
    co_return BudgetSpent(v1::BUDGET_LINE_UNSPECIFIED, "time");
  }
  for (const v1::BudgetLine name : {v1::BUDGET_LINE_UNSPECIFIED, line}) {
    Line& account = lines_[static_cast<std::size_t>(name)];
    if (!account.bounded()) continue;
    const absl::Status drawn = co_await Draw(name, account);
    if (!drawn.ok()) co_return drawn;
  }
  // Drawing suspends, so that others may have reserved since.
  for (const v1::BudgetLine name : {v1::BUDGET_LINE_UNSPECIFIED, line}) {
    const absl::string_view exhausted = lines_[static_cast<std::size_t>(name)].Exhausted();
    if (!exhausted.empty()) co_return BudgetSpent(name, exhausted);
  }
  ++lines_[v1::BUDGET_LINE_UNSPECIFIED].under_way;
  ++lines_[static_cast<std::size_t>(line)].under_way;
  co_return absl::OkStatus();
}

StatusTask JobBudgets::Draw(v1::BudgetLine name, Line& line) {
  absl::StatusOr<Semaphore::Permit> turn = co_await drawing_.Acquire(kNoDeadline);
  if (!turn.ok()) co_return turn.status();
  const absl::string_view exhausted = line.Exhausted();
  if (!exhausted.empty()) co_return BudgetSpent(name, exhausted);
  const std::optional<BudgetAmount> block = line.MissingBlock();
  if (!block.has_value()) co_return absl::OkStatus();
  const absl::StatusOr<BudgetAccount> account = co_await store_.DrawBudget(claim_, name, *block, line.used);
  if (!account.ok()) co_return account.status();
  line.drawn = account->drawn;
  co_return absl::OkStatus();
}

void JobBudgets::Settle(v1::BudgetLine line, const Usage& usage) {
  for (const v1::BudgetLine name : {v1::BUDGET_LINE_UNSPECIFIED, line}) {
    Line& account = lines_[static_cast<std::size_t>(name)];
    --account.under_way;
    account.used = account.used + AmountOf(usage);
    account.seen = account.seen + AmountOf(usage);
    account.usage.Add(usage);
  }
}

StatusTask JobBudgets::GiveBack() {
  for (std::size_t name = 0; name < lines_.size(); ++name) {
    Line& line = lines_[name];
    if (!line.bounded() || line.drawn == line.used) continue;
    const absl::StatusOr<BudgetAccount> account =
        co_await store_.SettleBudget(claim_, static_cast<v1::BudgetLine>(name), line.used);
    if (!account.ok()) co_return account.status();
    line.drawn = account->drawn;
  }
  co_return absl::OkStatus();
}

std::vector<v1::Spending> JobBudgets::spending() const {
  std::vector<v1::Spending> all;
  for (std::size_t name = 0; name < lines_.size(); ++name) {
    const Usage& usage = lines_[name].usage;
    if (usage.lm_calls == 0 && usage.input_tokens == 0 && usage.cost == Money()) continue;
    v1::Spending& spending = all.emplace_back();
    spending.set_line(static_cast<v1::BudgetLine>(name));
    WriteUsage(usage, *spending.mutable_usage());
  }
  return all;
}

}  // namespace dspex
