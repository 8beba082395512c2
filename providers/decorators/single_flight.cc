#include "providers/decorators/single_flight.h"

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/mutex.h"
#include "engine/base/reasons.h"
#include "engine/base/waiter.h"
#include "providers/decorators/decorator.h"

namespace dspex {

namespace {

/// One who waits for a flight; woken when it has landed.
struct Seat final : public Waiter {
  Seat(const asio::any_io_executor& executor, TimePoint until) : Waiter(executor), deadline(until) {}

  const TimePoint deadline;
  const TimePoint joined = Clock::now();
  bool pays = false;
  /// While others went on waiting.
  bool left = false;
};

/// A call that several wait for. All but what is constant, the record and the result is guarded by the mutex of its
/// SingleFlight.
struct Flight {
  Flight(const RequestDigest& k, const lm::Request& r, const RequestRecord& first) : key(k), request(r) {
    record.request_id = first.request_id;
    record.tenant = first.tenant;
    record.pricing = first.pricing;
  }

  const RequestDigest key;
  const lm::Request request;
  std::atomic<TimePoint> wanted_until{TimePoint::min()};
  /// Of these two, the call's alone until it has ended. The record does not change after that.
  RequestRecord record;
  absl::StatusOr<lm::Response> result;
  /// Null until who came first has begun the call.
  std::shared_ptr<RunningTask> task;
  absl::InlinedVector<std::shared_ptr<Seat>, 1> seats;
  /// Of the last to leave, who has cancelled the call and sees it end.
  std::shared_ptr<Waiter> last;
  /// Those who have not been given the result.
  std::size_t unserved = 0;
  bool ended = false;
};

absl::Status Draining() {
  return Error(absl::StatusCode::kUnavailable, reason::kDraining,
               "The server is going away and has ended the call. Use another replica, or try again.");
}

absl::Status OutOfTime() {
  return Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadlineExceeded,
               "The deadline passed while the language model was at work. Give more time.")
      .With("where", "shared_call");
}

absl::Status Broken() {
  return Error(absl::StatusCode::kInternal, reason::kInternal, "The call of the language model broke down.");
}

/// What the record of one who waited since `joined` has of a call.
void NoteShared(const RequestRecord& flight, TimePoint joined, RequestRecord& record) {
  const std::size_t before = record.attempts.size();
  for (const auto& [begin, end] : flight.attempts) {
    if (end > joined) record.attempts.emplace_back(std::max(begin, joined), end);
  }
  const Clock::duration worked = LengthOfUnion(absl::MakeSpan(record.attempts).subspan(before));
  record.queued += std::max(Clock::duration::zero(), Clock::now() - joined - worked);
}

class SingleFlight final : public Decorator, public std::enable_shared_from_this<SingleFlight> {
 public:
  SingleFlight(std::shared_ptr<lm::LanguageModel> inner, RequestDigester& digester, TaskScope& scope, TimeSource& time)
      : Decorator(std::move(inner)), digester_(digester), scope_(scope), time_(time) {}

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override {
    return context.deltas() == nullptr ? Share(context, request) : inner().Generate(context, request);
  }

 private:
  Task<lm::Response> Share(RequestContext context, const lm::Request& request) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const auto seat = std::make_shared<Seat>(executor, context.deadline());
    const auto [flight, is_first] = Join(context, request, seat);
    if (is_first) Begin(flight, executor);
    const absl::Status waited = co_await time_.WaitUntil(seat, seat->deadline);
    if (!waited.ok()) {
      if (const std::shared_ptr<Waiter> last = LeaveEarly(*flight, *seat, executor); last != nullptr) {
        // The last to leave sees the call end: what it has cost is to be charged.
        co_await last->WaitUncancelled();
      }
    }
    co_return Outcome(*flight, *seat, waited, context.record());
  }

  // The equal call that runs, or a new one, which is to be begun.
  std::pair<std::shared_ptr<Flight>, bool> Join(const RequestContext& context, const lm::Request& request,
                                                const std::shared_ptr<Seat>& seat) {
    const RequestDigest key = digester_.Of(context, request);
    MutexLock lock(&mutex_);
    std::shared_ptr<Flight>& flight = flights_[key];
    const bool is_first = flight == nullptr;
    if (is_first) flight = std::make_shared<Flight>(key, request, context.record());
    flight->seats.push_back(seat);
    flight->wanted_until = std::max(flight->wanted_until.load(), seat->deadline);
    return {flight, is_first};
  }

  void Begin(const std::shared_ptr<Flight>& flight, const asio::any_io_executor& executor) {
    std::shared_ptr<RunningTask> task = scope_.Spawn(executor, Fly(shared_from_this(), flight));
    if (task == nullptr) {
      flight->result = Draining();
      Land(*flight)->Wake();
      return;
    }
    // Before who began it leaves.
    flight->task = std::move(task);
  }

  static StatusTask Fly(std::shared_ptr<SingleFlight> self, std::shared_ptr<Flight> flight) {
    RequestContext context(flight->record, kNoDeadline);
    context.set_wanted_until(&flight->wanted_until);
    try {
      flight->result = co_await self->inner().Generate(context, flight->request);
    } catch (...) {
      // A defect; those who wait must hear of it all the same.
      flight->result = Broken();
    }
    const std::shared_ptr<Seat> first = self->Land(*flight);
    const asio::any_io_executor here = co_await asio::this_coro::executor;
    if (first->executor() == here) {
      // Mostly the only one. What it goes on with is in the processor's caches now, and not in the event loop's next
      // turn.
      first->WakeHere();
    } else {
      first->Wake();
    }
    co_return absl::OkStatus();
  }

  // Wakes all who wait but the first of them, whom it returns.
  std::shared_ptr<Seat> Land(Flight& flight) {
    MutexLock lock(&mutex_);
    Forget(flight);
    flight.ended = true;
    flight.unserved = flight.seats.size();
    flight.seats.front()->pays = true;
    std::for_each(flight.seats.begin() + 1, flight.seats.end(), [](const auto& seat) { seat->Wake(); });
    if (flight.last != nullptr) flight.last->Wake();
    return flight.seats.front();
  }

  void Forget(const Flight& flight) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = flights_.find(flight.key);
    if (found != flights_.end() && found->second.get() == &flight) flights_.erase(found);
  }

  // Leaves a call that has not ended. The last to leave cancels it and is given what wakes when it has ended.
  std::shared_ptr<Waiter> LeaveEarly(Flight& flight, Seat& seat, const asio::any_io_executor& executor) {
    MutexLock lock(&mutex_);
    if (flight.ended) return nullptr;
    if (flight.seats.size() == 1) {
      // Who comes now begins a call of its own.
      Forget(flight);
      flight.task->Cancel();
      flight.last = std::make_shared<Waiter>(executor);
      return flight.last;
    }
    const auto own = std::find_if(flight.seats.begin(), flight.seats.end(),
                                  [&seat](const auto& other) { return other.get() == &seat; });
    flight.seats.erase(own);
    seat.left = true;
    TimePoint latest = TimePoint::min();
    for (const auto& other : flight.seats) latest = std::max(latest, other->deadline);
    flight.wanted_until = latest;
    return nullptr;
  }

  absl::StatusOr<lm::Response> Outcome(Flight& flight, const Seat& seat, const absl::Status& waited,
                                       RequestRecord& record) {
    MutexLock lock(&mutex_);
    if (seat.left) {
      // The call's record may still be written.
      record.queued += Clock::now() - seat.joined;
      return absl::IsCancelled(waited) ? waited : OutOfTime();
    }
    const bool is_last = --flight.unserved == 0;
    NoteShared(flight.record, seat.joined, record);
    if (seat.pays) record.charged.Add(flight.record.charged);
    if (absl::IsCancelled(waited)) return waited;
    // Who was late, but not before the call had ended, has its result.
    if (flight.last != nullptr) return OutOfTime();
    // Nobody who waits has cancelled it.
    if (absl::IsCancelled(flight.result.status())) return Draining();
    absl::StatusOr<lm::Response> response = is_last ? std::move(flight.result) : flight.result;
    if (response.ok() && !seat.pays) response->usage = {};
    return response;
  }

  RequestDigester& digester_;
  TaskScope& scope_;
  TimeSource& time_;
  Mutex mutex_;
  absl::flat_hash_map<RequestDigest, std::shared_ptr<Flight>, DigestHash> flights_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::shared_ptr<lm::LanguageModel> NewSingleFlight(std::shared_ptr<lm::LanguageModel> inner, RequestDigester& digester,
                                                   TaskScope& scope, TimeSource& time) {
  return std::make_shared<SingleFlight>(std::move(inner), digester, scope, time);
}

}  // namespace dspex
