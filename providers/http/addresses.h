#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/task.h"
#include "engine/base/waiter.h"

namespace dspex::http {

using AddressList = std::vector<asio::ip::tcp::endpoint>;

/// Looks a name up and calls `done`, from any thread.
using LookUp = std::function<void(asio::any_io_executor executor,
                                  std::function<void(boost::system::error_code ec, AddressList addresses)> done)>;

/// The system's look-up of `host`; an address stands for itself.
LookUp SystemLookUp(std::string host, std::uint16_t port);

/// The addresses of one server. A look-up is made when they are older than `keep`, one at a time; if it fails, the old
/// ones serve on. (Asio looks names up on one thread, so a look-up for each connection would be slow.) Thread-safe.
class AddressCache {
 public:
  AddressCache(LookUp look_up, Clock::duration keep);
  ~AddressCache();

  /// The addresses, at least one. The error's message is the system's; kDeadlineExceeded and kCancelled as Waiter says.
  /// The look-up goes on for others when its caller goes away.
  Task<AddressList> Get(TimePoint deadline);

 private:
  // Shared with the look-up in flight, which may end after the cache.
  struct State;
  const LookUp look_up_;
  const Clock::duration keep_;
  const std::shared_ptr<State> state_;
};

}  // namespace dspex::http
