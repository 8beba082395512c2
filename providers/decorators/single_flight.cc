#include "providers/decorators/single_flight.h"

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <list>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/mutex.h"
#include "engine/base/reasons.h"
#include "engine/base/run_all.h"
#include "engine/base/waiter.h"
#include "providers/decorators/decorator.h"

namespace dspex {

namespace {

/// One who waits for a flight.
struct Seat {
  TimePoint deadline;
  TimePoint joined;
  std::shared_ptr<Waiter> landed;
  bool pays = false;
};

/// A call that several wait for. All but what is constant, and the record, is guarded by the mutex of its SingleFlight.
struct Flight {
  Flight(const RequestDigest& k, const lm::Request& r, const asio::any_io_executor& executor)
      : key(k), request(r), abandoned(std::make_shared<Waiter>(executor)) {}

  const RequestDigest key;
  const lm::Request request;
  /// Woken when nobody waits any more.
  const std::shared_ptr<Waiter> abandoned;
  std::atomic<TimePoint> wanted_until{TimePoint::min()};
  /// Touched by the call alone until it has ended, and by nobody after that.
  RequestRecord record;
  absl::StatusOr<lm::Response> result = absl::UnknownError("the call has not ended");
  std::list<std::shared_ptr<Seat>> seats;
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

/// What the record of one who waited since `joined` has of a call.
void NoteShared(const RequestRecord& flight, TimePoint joined, RequestRecord& record) {
  const TimePoint now = Clock::now();
  RequestRecord part;
  for (const auto& [begin, end] : flight.attempts) {
    if (end > joined) part.attempts.emplace_back(std::max(begin, joined), end);
  }
  part.queued = std::max(Clock::duration::zero(), now - joined - part.ProviderTime());
  record.Merge(part);
}

class SingleFlight final : public Decorator, public std::enable_shared_from_this<SingleFlight> {
 public:
  SingleFlight(std::shared_ptr<lm::LanguageModel> inner, RequestDigester& digester, TaskScope& scope, TimeSource& time)
      : Decorator(std::move(inner)), digester_(digester), scope_(scope), time_(time) {}

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override {
    if (context.deltas() != nullptr) {
      absl::StatusOr<lm::Response> own = co_await inner().Generate(context, request);
      co_return own;
    }
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    const auto seat =
        std::make_shared<Seat>(Seat{context.deadline(), Clock::now(), std::make_shared<Waiter>(executor)});
    const std::shared_ptr<Flight> flight = Join(context, request, executor, seat);
    absl::Status waited = co_await time_.WaitUntil(seat->landed, seat->deadline);
    if (const std::shared_ptr<Waiter> landed = LeaveEarly(flight, *seat, executor); landed != nullptr) {
      // The last to leave sees the call end: what it has cost is to be charged.
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      const absl::Status ended = co_await landed->Wait(kNoDeadline);
      static_cast<void>(ended);
    } else {
      waited = HasEnded(*flight) && !absl::IsCancelled(waited) ? absl::OkStatus() : waited;
    }
    co_return Outcome(*flight, *seat, waited, context.record());
  }

 private:
  std::shared_ptr<Flight> Join(const RequestContext& context, const lm::Request& request,
                               const asio::any_io_executor& executor, const std::shared_ptr<Seat>& seat) {
    const RequestDigest key = digester_.Of(context, request);
    std::shared_ptr<Flight> flight;
    {
      MutexLock lock(&mutex_);
      std::shared_ptr<Flight>& known = flights_[key];
      const bool joins = known != nullptr;
      if (!joins) known = std::make_shared<Flight>(key, request, executor);
      flight = known;
      flight->seats.push_back(seat);
      flight->wanted_until = std::max(flight->wanted_until.load(), seat->deadline);
      if (joins) return flight;
    }
    flight->record.request_id = context.record().request_id;
    flight->record.tenant = context.record().tenant;
    flight->record.pricing = context.record().pricing;
    const auto self = shared_from_this();
    const bool begun = scope_.Spawn(
        executor, [self, flight] { return self->Fly(flight); }, [self, flight](absl::Status) { self->Land(*flight); });
    if (!begun) {
      SetResult(*flight, Draining());
      Land(*flight);
    }
    return flight;
  }

  // The call, until it ends or nobody waits for it.
  StatusTask Fly(std::shared_ptr<Flight> flight) {
    std::vector<StatusTask> tasks;
    tasks.push_back(Call(flight));
    tasks.push_back(Watch(flight));
    absl::Status ended = co_await RunAll(std::move(tasks));
    co_return ended;
  }

  StatusTask Call(std::shared_ptr<Flight> flight) {
    RequestContext context(flight->record, kNoDeadline);
    context.set_wanted_until(&flight->wanted_until);
    absl::StatusOr<lm::Response> response = co_await inner().Generate(context, flight->request);
    SetResult(*flight, std::move(response));
    // An error ends the watch.
    co_return absl::CancelledError("the call has ended");
  }

  static StatusTask Watch(std::shared_ptr<Flight> flight) {
    const absl::Status waited = co_await flight->abandoned->Wait(kNoDeadline);
    static_cast<void>(waited);
    co_return absl::CancelledError("nobody waits for the call");
  }

  void SetResult(Flight& flight, absl::StatusOr<lm::Response> result) {
    MutexLock lock(&mutex_);
    flight.result = std::move(result);
  }

  void Land(Flight& flight) {
    MutexLock lock(&mutex_);
    Forget(flight);
    flight.ended = true;
    if (!flight.seats.empty()) flight.seats.front()->pays = true;
    for (const auto& seat : flight.seats) seat->landed->Wake();
  }

  void Forget(const Flight& flight) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto found = flights_.find(flight.key);
    if (found != flights_.end() && found->second.get() == &flight) flights_.erase(found);
  }

  // Leaves a call that has not ended. The last to leave cancels it and is given what wakes when it has ended.
  std::shared_ptr<Waiter> LeaveEarly(const std::shared_ptr<Flight>& flight, Seat& seat,
                                     const asio::any_io_executor& executor) {
    MutexLock lock(&mutex_);
    if (flight->ended) return nullptr;
    if (flight->seats.size() == 1) {
      // Who comes now begins a call of its own.
      Forget(*flight);
      flight->abandoned->Wake();
      seat.landed = std::make_shared<Waiter>(executor);
      return seat.landed;
    }
    flight->seats.remove_if([&seat](const auto& other) { return other.get() == &seat; });
    TimePoint latest = TimePoint::min();
    for (const auto& other : flight->seats) latest = std::max(latest, other->deadline);
    flight->wanted_until = latest;
    return nullptr;
  }

  bool HasEnded(const Flight& flight) {
    MutexLock lock(&mutex_);
    return flight.ended;
  }

  absl::StatusOr<lm::Response> Outcome(const Flight& flight, const Seat& seat, const absl::Status& waited,
                                       RequestRecord& record) {
    MutexLock lock(&mutex_);
    if (!flight.ended) {
      // Others go on waiting: its record is still being written.
      record.queued += Clock::now() - seat.joined;
      return absl::IsCancelled(waited) ? waited : OutOfTime();
    }
    NoteShared(flight.record, seat.joined, record);
    if (seat.pays) record.charged.Add(flight.record.charged);
    if (absl::IsCancelled(waited)) return waited;
    if (!waited.ok()) return OutOfTime();
    // Nobody who waits has cancelled it.
    if (absl::IsCancelled(flight.result.status())) return Draining();
    absl::StatusOr<lm::Response> response = flight.result;
    if (response.ok() && !seat.pays) response->usage = {};
    return response;
  }

  RequestDigester& digester_;
  TaskScope& scope_;
  TimeSource& time_;
  Mutex mutex_;
  absl::flat_hash_map<RequestDigest, std::shared_ptr<Flight>> flights_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::shared_ptr<lm::LanguageModel> NewSingleFlight(std::shared_ptr<lm::LanguageModel> inner, RequestDigester& digester,
                                                   TaskScope& scope, TimeSource& time) {
  return std::make_shared<SingleFlight>(std::move(inner), digester, scope, time);
}

}  // namespace dspex
