#include "providers/http/addresses.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "engine/base/mutex.h"

namespace dspex::http {

using boost::system::error_code;
using tcp = asio::ip::tcp;

struct AddressCache::State {
  Mutex mutex;
  AddressList addresses ABSL_GUARDED_BY(mutex);
  TimePoint fresh_until ABSL_GUARDED_BY(mutex) = TimePoint::min();
  bool looking_up ABSL_GUARDED_BY(mutex) = false;
  error_code failure ABSL_GUARDED_BY(mutex);
  std::vector<std::shared_ptr<Waiter>> waiters ABSL_GUARDED_BY(mutex);
};

LookUp SystemLookUp(std::string host, std::uint16_t port) {
  error_code not_an_address;
  const asio::ip::address address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) {
    return [endpoint = tcp::endpoint(address, port)](const asio::any_io_executor&, const auto& done) {
      done({}, {endpoint});
    };
  }
  return [host = std::move(host), port = std::to_string(port)](const asio::any_io_executor& executor, auto done) {
    auto resolver = std::make_shared<tcp::resolver>(executor);
    resolver->async_resolve(
        host, port, [resolver, done = std::move(done)](error_code ec, const tcp::resolver::results_type& results) {
          AddressList addresses;
          for (const auto& result : results) addresses.push_back(result.endpoint());
          done(ec, std::move(addresses));
        });
  };
}

AddressCache::AddressCache(LookUp look_up, Clock::duration keep)
    : look_up_(std::move(look_up)), keep_(keep), state_(std::make_shared<State>()) {}
AddressCache::~AddressCache() = default;

Task<AddressList> AddressCache::Get(TimePoint deadline) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const std::shared_ptr<State> state = state_;
  std::shared_ptr<Waiter> waiter;
  bool look_up = false;
  {
    MutexLock lock(&state->mutex);
    if (Clock::now() < state->fresh_until) co_return state->addresses;
    waiter = std::make_shared<Waiter>(executor);
    state->waiters.push_back(waiter);
    look_up = !std::exchange(state->looking_up, true);
  }
  if (look_up) {
    look_up_(executor, [state, keep = keep_](error_code ec, AddressList addresses) {
      MutexLock lock(&state->mutex);
      state->looking_up = false;
      state->failure = ec;
      if (!ec && !addresses.empty()) state->addresses = std::move(addresses);
      // A name that does not resolve is asked for again by the next connection, unless old addresses serve.
      if (!state->addresses.empty()) state->fresh_until = Clock::now() + keep;
      for (const auto& waiting : state->waiters) waiting->Wake();
      state->waiters.clear();
    });
  }
  absl::Status waited = co_await waiter->Wait(deadline);
  MutexLock lock(&state->mutex);
  if (!waited.ok()) {
    std::erase(state->waiters, waiter);
    co_return waited;
  }
  if (!state->addresses.empty()) co_return state->addresses;
  co_return absl::UnavailableError(state->failure ? state->failure.message() : "the name has no addresses");
}

}  // namespace dspex::http
