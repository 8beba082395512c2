#include "providers/decorators/limiter.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

namespace {

constexpr absl::string_view kNames[kLimitKinds] = {"requests", "tokens", "input_tokens", "output_tokens"};
// Far more than a server has in flight.
constexpr int kMostInFlight = 1 << 24;

Amounts AmountsOf(Limiter::Tokens tokens) {
  const auto input = static_cast<double>(std::max(0LL, tokens.input));
  const auto output = static_cast<double>(std::max(0LL, tokens.output));
  return {1, input + output, input, output};
}

absl::Status TooLate() {
  return Error(
             absl::StatusCode::kDeadlineExceeded, reason::kDeadlineExceeded,
             "The call's deadline passed before the provider had answered enough calls to be given this one too. Raise "
             "the provider's max_connections, or send less at a time.")
      .With("where", "queue");
}

}  // namespace

Limiter::Grant::Grant(Grant&& other) noexcept
    : limiter_(std::exchange(other.limiter_, nullptr)), reserved_(other.reserved_), taken_(other.taken_) {}

Limiter::Grant& Limiter::Grant::operator=(Grant&& other) noexcept {
  std::swap(limiter_, other.limiter_);
  std::swap(reserved_, other.reserved_);
  std::swap(taken_, other.taken_);
  return *this;
}

Limiter::Grant::~Grant() {
  if (limiter_ != nullptr) limiter_->End(reserved_, {});
}

Limiter::Limiter(Options options, TimeSource& time)
    : options_(options), time_(time), max_in_flight_(options.first_in_flight) {
  const TimePoint now = time.Now();
  MutexLock lock(&mutex_);
  paused_until_ = now;
  if (options.requests_per_minute > 0) buckets_[kRequests].Set(static_cast<double>(options.requests_per_minute), now);
  if (options.tokens_per_minute > 0) buckets_[kTokens].Set(static_cast<double>(options.tokens_per_minute), now);
}

std::optional<Limiter::Grant> Limiter::TryAcquire(Tokens expected) {
  const Amounts need = AmountsOf(expected);
  const TimePoint now = time_.Now();
  MutexLock lock(&mutex_);
  if (queue_.size() > 0) return std::nullopt;
  Refill(now);
  if (!MayGo(need, now)) return std::nullopt;
  Take(need);
  return Grant(this, need, taken_);
}

void Limiter::Take(const Amounts& need) {
  for (std::size_t i = 0; i < kLimitKinds; ++i) {
    buckets_[i].Take(need[i]);
    taken_[i] += need[i];
  }
  ++in_flight_;
}

Task<Limiter::Grant> Limiter::Acquire(std::string tenant, Tokens expected, TimePoint deadline, TimePoint wanted_until) {
  const auto ticket = std::make_shared<Ticket>(Ticket{.tenant = std::move(tenant), .need = AmountsOf(expected)});
  absl::Status queued = Enqueue(ticket, std::min(deadline, wanted_until));
  if (!queued.ok()) co_return queued;
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  while (true) {
    // One for each wait: a waiter wakes once.
    const auto waiter = std::make_shared<Waiter>(executor);
    const std::optional<TimePoint> until = Prepare(ticket, waiter, deadline);
    if (!until.has_value()) co_return Grant(this, ticket->need, ticket->taken);
    absl::Status waited = co_await time_.WaitUntil(waiter, *until);
    const bool late = absl::IsDeadlineExceeded(waited) && time_.Now() >= deadline;
    if (!late && !absl::IsCancelled(waited)) continue;
    absl::Status left = Leave(*ticket);
    // It may have been let go at that moment. Late, it goes; cancelled, the grant gives back what it got.
    Grant grant = left.ok() ? Grant(this, ticket->need, ticket->taken) : Grant();
    if (absl::IsCancelled(waited)) co_return waited;
    if (!left.ok()) co_return left;
    co_return grant;
  }
}

// Puts the ticket in the queue; an error if it cannot be served by the deadline.
absl::Status Limiter::Enqueue(const std::shared_ptr<Ticket>& ticket, TimePoint deadline) {
  const TimePoint now = time_.Now();
  MutexLock lock(&mutex_);
  Refill(now);
  const bool at_once = queue_.size() == 0 && MayGo(ticket->need, now);
  if (!at_once) {
    if (queue_.size() >= options_.max_waiting) return Refusal(ticket->need, ticket->tenant, now);
    const Forecast forecast = Foresee(ticket->need, queue_.Ahead(ticket->tenant, ticket->need), now);
    if (deadline != kNoDeadline && forecast.wait > deadline - now) return Refusal(ticket->need, ticket->tenant, now);
  }
  queue_.Push(ticket);
  Pump(now);
  return absl::OkStatus();
}

// Until when to wait; nothing if the ticket may go.
std::optional<TimePoint> Limiter::Prepare(const std::shared_ptr<Ticket>& ticket, std::shared_ptr<Waiter> waiter,
                                          TimePoint deadline) {
  const TimePoint now = time_.Now();
  MutexLock lock(&mutex_);
  Pump(now);
  if (ticket->granted) return std::nullopt;
  ticket->waiter = std::move(waiter);
  // The next in turn keeps the time for all; what else may let it go wakes it.
  if (queue_.Next() != ticket) return deadline;
  if (ProbeIsFull()) return WidensWithTime() ? std::min(deadline, *full_since_ + options_.probe_step) : deadline;
  return std::min(deadline, now + Foresee(ticket->need, {}, now).wait);
}

// Takes the ticket out of the queue, with the error of one whose time was too short; OK if it was let go meanwhile.
absl::Status Limiter::Leave(const Ticket& ticket) {
  const TimePoint now = time_.Now();
  MutexLock lock(&mutex_);
  // Its time may have come at this very moment.
  Pump(now);
  if (ticket.granted) return absl::OkStatus();
  queue_.Remove(ticket);
  // Only a refusal tells that the provider has limits: without one it is slow.
  absl::Status error = ProbeIsFull() && !refused_ ? TooLate() : Refusal(ticket.need, ticket.tenant, now);
  Changed(now);
  return error;
}

void Limiter::Settle(Grant grant, Tokens used) {
  if (grant.limiter_ == nullptr) return;
  grant.limiter_ = nullptr;
  End(grant.reserved_, AmountsOf(used));
}

void Limiter::Observe(const std::optional<lm::RateLimits>& said, const Amounts& taken) {
  const TimePoint now = time_.Now();
  MutexLock lock(&mutex_);
  if (said.has_value()) {
    Heed(*said, taken, now);
  } else {
    max_in_flight_ = std::min(2 * max_in_flight_, kMostInFlight);
  }
  Changed(now);
}

void Limiter::ObserveRefusal(const std::optional<lm::RateLimits>& said, const Amounts& taken) {
  const TimePoint now = time_.Now();
  MutexLock lock(&mutex_);
  if (said.has_value()) Heed(*said, taken, now);
  buckets_[kRequests].Drain(now);
  refused_ = true;
  if (max_in_flight_ > 0) max_in_flight_ = std::max(1, std::min(max_in_flight_, in_flight_) / 2);
}

void Limiter::Heed(const lm::RateLimits& said, const Amounts& taken, TimePoint now) {
  const lm::RateLimit* limits[kLimitKinds] = {&said.requests, &said.tokens, &said.input_tokens, &said.output_tokens};
  for (std::size_t i = 0; i < kLimitKinds; ++i) buckets_[i].Observe(*limits[i], taken_[i] - taken[i], now);
}

void Limiter::Pause(Clock::duration duration) {
  const TimePoint now = time_.Now();
  MutexLock lock(&mutex_);
  paused_until_ = std::max(paused_until_, now + duration);
}

std::size_t Limiter::waiting() const {
  MutexLock lock(&mutex_);
  return queue_.size();
}

bool Limiter::Probing() const {
  return options_.first_in_flight > 0 &&
         std::none_of(buckets_.begin(), buckets_.end(), [](const TokenBucket& bucket) { return bucket.known(); });
}

bool Limiter::ProbeIsFull() const { return Probing() && in_flight_ >= max_in_flight_; }

bool Limiter::WidensWithTime() const { return !refused_ && max_in_flight_ < options_.connections; }

bool Limiter::MayGo(const Amounts& need, TimePoint now) const {
  if (now < paused_until_ || ProbeIsFull()) return false;
  for (std::size_t i = 0; i < kLimitKinds; ++i) {
    if (!buckets_[i].Has(need[i])) return false;
  }
  return true;
}

Limiter::Forecast Limiter::Foresee(const Amounts& need, const Amounts& ahead, TimePoint now) const {
  Forecast forecast{.limit = ProbeIsFull() ? "probing" : "paused"};
  forecast.wait = std::max(Clock::duration::zero(), paused_until_ - now);
  for (std::size_t i = 0; i < kLimitKinds; ++i) {
    const Clock::duration wait = buckets_[i].TimeTo(need[i], ahead[i]);
    if (wait > forecast.wait) forecast = {wait, kNames[i]};
  }
  return forecast;
}

double Limiter::CostOf(const Amounts& need) const {
  double cost = 0;
  for (std::size_t i = 0; i < kLimitKinds; ++i) {
    if (buckets_[i].known()) cost = std::max(cost, need[i] / buckets_[i].capacity());
  }
  // Where nothing is known, calls are alike.
  return cost > 0 ? cost : 0.001;
}

absl::Status Limiter::Refusal(const Amounts& need, const std::string& tenant, TimePoint now) const {
  Forecast forecast = Foresee(need, queue_.Ahead(tenant, need), now);
  absl::string_view message =
      "The provider's limits do not let this call go before its deadline, so it was not sent. Try again later, with a "
      "longer deadline, or with fewer tokens; or raise the provider's limits.";
  if (queue_.size() >= options_.max_waiting) {
    forecast.limit = "queue";
    message =
        "Too many calls wait for the provider's limits, so this one was not sent. Send fewer, or try again later.";
  }
  const auto wait = std::max<Clock::duration>(forecast.wait, std::chrono::milliseconds(1));
  return Error(absl::StatusCode::kResourceExhausted, reason::kProviderLimitReached, message)
      .With("limit", forecast.limit)
      .RetryAfter(std::chrono::ceil<std::chrono::milliseconds>(wait));
}

void Limiter::Refill(TimePoint now) {
  for (TokenBucket& bucket : buckets_) bucket.Refill(now);
}

void Limiter::WidenProbe(TimePoint now) {
  if (!ProbeIsFull() || queue_.size() == 0) {
    full_since_.reset();
  } else if (!full_since_.has_value()) {
    full_since_ = now;
  } else if (WidensWithTime() && now - *full_since_ >= options_.probe_step) {
    max_in_flight_ = std::min(2 * max_in_flight_, options_.connections);
    full_since_ = now;
  }
}

// Lets go who may, in turn. None passes one that must wait: it would never come to its turn.
void Limiter::Pump(TimePoint now) {
  Refill(now);
  WidenProbe(now);
  bool moved = false;
  while (const std::shared_ptr<Ticket> next = queue_.Next()) {
    if (!MayGo(next->need, now)) break;
    Take(next->need);
    queue_.Pop(CostOf(next->need));
    next->taken = taken_;
    next->granted = true;
    if (next->waiter != nullptr) next->waiter->Wake();
    moved = true;
  }
  WidenProbe(now);
  const std::shared_ptr<Ticket> next = moved ? queue_.Next() : nullptr;
  if (next != nullptr && next->waiter != nullptr) next->waiter->Wake();
}

// When another may be the next, or the next may go at another time.
void Limiter::Changed(TimePoint now) {
  Pump(now);
  const std::shared_ptr<Ticket> next = queue_.Next();
  if (next != nullptr && next->waiter != nullptr) next->waiter->Wake();
}

void Limiter::End(const Amounts& reserved, const Amounts& used) {
  const TimePoint now = time_.Now();
  MutexLock lock(&mutex_);
  for (std::size_t i = 0; i < kLimitKinds; ++i) {
    buckets_[i].GiveBack(reserved[i] - used[i]);
  }
  --in_flight_;
  Changed(now);
}

}  // namespace dspex
