#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/task.h"
#include "providers/http/addresses.h"
#include "providers/http/client.h"
#include "providers/http/pool.h"
#include "providers/http/url.h"

namespace dspex::http {

/// What the connections of a client have in common.
struct Server {
  Url url;
  Timeouts timeouts;
  std::uint64_t max_response_bytes = 0;
  /// With TLS only. Making a session from it is thread-safe.
  std::optional<asio::ssl::context> tls;
};

/// A point at which waiting ends, and what it bounds.
struct Bound {
  TimePoint at = kNoDeadline;
  /// "connect", "first_byte", "idle" or "total": as in the configuration.
  absl::string_view phase;
  /// Whether the caller set it, not the configuration.
  bool of_caller = false;
};

/// The bound of a part of the work, or that of the whole if it comes earlier.
inline Bound Within(const Bound& part, const Bound& whole) {
  if (part.at <= whole.at) return part;
  return Bound{whole.at, whole.of_caller ? part.phase : whole.phase, whole.of_caller};
}

absl::Status CancelledError();
absl::Status TimeoutError(const Bound& bound, const Url& url);
absl::Status UnreachableError(const Url& url, absl::string_view what, absl::string_view cause);

/// One connection: TCP, perhaps TLS, one exchange at a time. Confined to its home, the executor given to the
/// constructor, but for home() and what is said at clean().
///
/// Time is bounded without a timer for each wait: one watchdog timer runs for as long as the connection is open and
/// looks at `bound_`, which the work moves on. It is set anew only when a bound comes before its expiry.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Server> server, std::weak_ptr<Pool> pool, asio::any_io_executor home);

  const asio::any_io_executor& home() const { return home_; }

  /// Whether it may serve an exchange. Any thread that holds the connection may ask while no exchange runs.
  bool clean() const { return clean_; }

  /// Connects to the first of the addresses that accepts. `caller` is the context's deadline.
  StatusTask Open(const AddressList& addresses, Bound connect);

  /// Sends the request and reads the response; an event stream goes to `events`, if there is one, whose functions are
  /// called here at home. On any error the connection is closed. `total` bounds all of it.
  Task<Response> Exchange(absl::Span<const asio::const_buffer> request, Bound total, EventStreamReader* events);

  /// Whether the last exchange failed because the connection broke before any byte of a response.
  bool broke_before_response() const { return broke_before_response_; }

  void Close();

 private:
  struct Incoming;

  asio::awaitable<boost::system::error_code> SendRest(absl::Span<const asio::const_buffer> request, std::size_t sent,
                                                      const Bound& total);
  /// Reads the next `size` bytes of the response.
  boost::system::error_code Receive(std::size_t size, Incoming& incoming);
  bool PeerSentSomething();
  void KeepForReuse(bool reusable);

  void SetBound(const Bound& bound);
  void ArmWatchdog(TimePoint at);
  void OnWatchdog();

  /// Closes the connection and makes the error of what ended the work: the coroutine's cancellation, a bound, or `ec`.
  absl::Status Fail(bool cancelled, absl::string_view what, const boost::system::error_code& ec);
  absl::Status FailHandshake(bool cancelled, const boost::system::error_code& ec);
  absl::Status Malformed(const boost::system::error_code& ec);

  const std::shared_ptr<Server> server_;
  const std::weak_ptr<Pool> pool_;
  const asio::any_io_executor home_;

  asio::ip::tcp::socket socket_;
  std::optional<asio::ssl::stream<asio::ip::tcp::socket&>> tls_;
  boost::beast::flat_buffer received_;
  std::size_t read_size_;

  asio::steady_timer watchdog_;
  TimePoint watchdog_at_ = kNoDeadline;
  Bound bound_;
  bool timed_out_ = false;

  bool clean_ = false;
  bool broke_before_response_ = false;
  TimePoint idle_since_;
};

}  // namespace dspex::http
