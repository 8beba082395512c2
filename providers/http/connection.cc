#include "providers/http/connection.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_suffix.hpp>
#include <boost/beast/http/error.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/http/response_parser.h"
#include "providers/http/tls.h"

namespace dspex::http {

namespace {

using boost::system::error_code;
using tcp = asio::ip::tcp;

// Deferred operations are awaited in place, without a coroutine frame of their own.
constexpr auto kAwait = asio::as_tuple(asio::deferred);

constexpr std::size_t kMinRead = 4 * 1024;
constexpr std::size_t kMaxRead = 64 * 1024;
// A connection keeps at most so much of its read buffer between exchanges.
constexpr std::size_t kMaxIdleBuffer = 16 * 1024;

// How long an idle connection is kept; most servers close theirs after about as long.
constexpr auto kIdleLife = std::chrono::seconds(60);
// A connection that was idle for so long is looked at before it is used again. The peer may close it later than that as
// well, which is what the second try is for.
constexpr auto kTrustedIdle = std::chrono::seconds(1);

// How long the end of a stream is waited for when all that matters has come.
constexpr auto kLinger = std::chrono::milliseconds(100);

bool IsEventStream(const Response& response) {
  return response.status == 200 &&
         absl::StartsWithIgnoreCase(response.headers.Get("content-type"), "text/event-stream");
}

bool IsSet(const asio::cancellation_state& state) { return state.cancelled() != asio::cancellation_type::none; }

}  // namespace

absl::Status CancelledError() {
  return Error(absl::StatusCode::kCancelled, reason::kCancelled,
               "The call was cancelled while it waited for the provider. Make it again if its result is still wanted.");
}

absl::Status TimeoutError(const Bound& bound, const Url& url) {
  if (bound.of_caller) {
    return Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadlineExceeded,
                 absl::StrCat("The call's deadline passed while it waited for ", url.authority(),
                              ". Allow it more time, or use a faster model."))
        .With("where", bound.phase);
  }
  return Error(absl::StatusCode::kDeadlineExceeded, reason::kProviderTimeout,
               absl::StrCat("The provider at ", url.authority(), " took longer than timeouts.", bound.phase,
                            " allows. Try again, or raise that value in the provider's configuration."))
      .With("phase", bound.phase);
}

absl::Status UnreachableError(const Url& url, absl::string_view what, absl::string_view cause) {
  return Error(absl::StatusCode::kUnavailable, reason::kProviderUnreachable,
               absl::StrCat("The provider at ", url.authority(), " ", what, " (", cause,
                            "). Check the provider's base_url and that its server runs, then try again."));
}

Connection::Connection(std::shared_ptr<Server> server, std::weak_ptr<Pool> pool, asio::any_io_executor home)
    : server_(std::move(server)),
      pool_(std::move(pool)),
      home_(std::move(home)),
      socket_(home_),
      read_size_(kMinRead),
      watchdog_(home_) {}

StatusTask Connection::Open(const AddressList& addresses, Bound connect) {
  error_code ec = asio::error::host_not_found;
  std::size_t left = addresses.size();
  for (const tcp::endpoint& address : addresses) {
    timed_out_ = false;
    error_code ignored;
    socket_.close(ignored);
    socket_.open(address.protocol(), ec);
    if (ec) break;
    // Each address gets its share of the time, so that a silent one does not use up that of the others.
    const TimePoint now = Clock::now();
    Bound share = connect;
    share.at = now + (connect.at - now) / static_cast<long>(left--);
    SetBound(share);
    std::tie(ec) = co_await socket_.async_connect(address, kAwait);
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (IsSet(state)) co_return Fail(true, "", ec);
    if (!ec) break;
  }
  if (ec) co_return Fail(false, "does not accept a connection", ec);
  socket_.set_option(tcp::no_delay(true), ec);
  if (!ec) socket_.non_blocking(true, ec);
  if (ec) co_return Fail(false, "broke off", ec);

  if (server_->tls.has_value()) {
    SetBound(connect);
    tls_.emplace(socket_, *server_->tls);
    if (!SetTlsHost(tls_->native_handle(), server_->url.host)) {
      co_return Fail(false, "cannot be asked for a certificate", asio::error::invalid_argument);
    }
    std::tie(ec) = co_await tls_->async_handshake(asio::ssl::stream_base::client, kAwait);
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (ec || IsSet(state)) co_return FailHandshake(IsSet(state), ec);
  }
  idle_since_ = Clock::now();
  clean_ = true;
  co_return absl::OkStatus();
}

// The response as it comes in.
struct Connection::Incoming {
  ResponseParser parser;
  /// Null once it is known that the response is no event stream.
  EventStreamReader* events;
  bool any_received = false;
  bool streams = false;

  Clock::duration IdleTimeout(const Timeouts& timeouts) const {
    return streams && events->complete() ? kLinger : timeouts.idle;
  }
};

error_code Connection::Receive(std::size_t size, Incoming& incoming) {
  incoming.any_received = true;
  received_.commit(size);
  error_code ec;
  const asio::const_buffer data = received_.data();
  received_.consume(incoming.parser.Put(static_cast<const char*>(data.data()), data.size(), ec));
  if (!ec && incoming.events != nullptr && !incoming.streams && incoming.parser.header_done()) {
    incoming.streams = IsEventStream(incoming.parser.response());
    if (incoming.streams) {
      incoming.events->Begin(incoming.parser.response().headers);
    } else {
      incoming.events = nullptr;
    }
  }
  return ec;
}

Task<Response> Connection::Exchange(absl::Span<const asio::const_buffer> request, Bound total,
                                    EventStreamReader* events) {
  clean_ = false;
  broke_before_response_ = false;
  const TimePoint begin = Clock::now();
  if (begin - idle_since_ > kTrustedIdle && PeerSentSomething()) {
    broke_before_response_ = true;
    co_return Fail(false, "closed an idle connection", asio::error::eof);
  }
  SetBound(Within({begin + server_->timeouts.first_byte, "first_byte"}, total));
  error_code send_ec;
  std::size_t sent = 0;
  // Mostly the socket takes the request at once.
  if (!tls_.has_value()) sent = socket_.write_some(request, send_ec);
  if (sent < asio::buffer_size(request)) send_ec = co_await SendRest(request, sent, total);

  // Read even if sending failed: a server that refuses a large request may answer before it has taken all of it.
  Incoming incoming{.parser = ResponseParser(server_->max_response_bytes), .events = events};
  ResponseParser& parser = incoming.parser;
  for (;;) {
    const asio::cancellation_state before = co_await asio::this_coro::cancellation_state;
    if (IsSet(before)) co_return Fail(true, "", {});
    const asio::mutable_buffer room = received_.prepare(read_size_);
    error_code ec;
    std::size_t size = 0;
    if (tls_.has_value()) {
      std::tie(ec, size) = co_await tls_->async_read_some(room, kAwait);
    } else {
      std::tie(ec, size) = co_await socket_.async_read_some(room, kAwait);
    }
    if (size > 0) {
      if (const error_code parse_ec = Receive(size, incoming); parse_ec) co_return Malformed(parse_ec);
      if (incoming.streams && !parser.response().body.empty()) {
        SetBound(total);
        const absl::Status taken = co_await incoming.events->Take(parser.TakeBody());
        if (!taken.ok()) {
          Close();
          co_return taken;
        }
      }
    }
    if (!parser.done() && ec == asio::error::eof) {
      error_code ignored;
      parser.PutEof(ignored);
    }
    if (parser.done()) {
      KeepForReuse(parser.keep_alive() && !ec && !send_ec);
      co_return parser.Take();
    }
    if (ec) {
      const asio::cancellation_state after = co_await asio::this_coro::cancellation_state;
      broke_before_response_ = !incoming.any_received && !timed_out_ && !IsSet(after);
      co_return Fail(IsSet(after), incoming.any_received ? "broke off its response" : "broke off before its response",
                     send_ec ? send_ec : ec);
    }
    if (size == room.size()) read_size_ = std::min(2 * read_size_, kMaxRead);
    SetBound(Within({Clock::now() + incoming.IdleTimeout(server_->timeouts), "idle"}, total));
  }
}

// The part of the request from `sent` on; all of it under TLS. Bounded by the time-out between bytes.
asio::awaitable<error_code> Connection::SendRest(absl::Span<const asio::const_buffer> request, std::size_t sent,
                                                 const Bound& total) {
  std::string joined;
  if (tls_.has_value()) {
    // In one piece, or each buffer would become records and system calls of its own.
    joined.resize(asio::buffer_size(request));
    asio::buffer_copy(asio::buffer(joined), request);
  }
  boost::beast::buffers_suffix<absl::Span<const asio::const_buffer>> rest(request);
  rest.consume(sent);
  const std::size_t size = asio::buffer_size(request);
  error_code ec;
  while (sent < size) {
    SetBound(Within({Clock::now() + server_->timeouts.idle, "idle"}, total));
    std::size_t taken = 0;
    if (tls_.has_value()) {
      std::tie(ec, taken) = co_await tls_->async_write_some(asio::buffer(joined) + sent, kAwait);
    } else {
      std::tie(ec) = co_await socket_.async_wait(tcp::socket::wait_write, kAwait);
      if (!ec) taken = socket_.write_some(rest, ec);
      if (ec == asio::error::would_block) ec = {};
    }
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (ec || IsSet(state)) break;
    rest.consume(taken);
    sent += taken;
  }
  if (!ec) SetBound(Within({Clock::now() + server_->timeouts.first_byte, "first_byte"}, total));
  co_return ec;
}

// On an idle connection, anything to read is a goodbye: the end of the stream, or what a server says before it.
bool Connection::PeerSentSomething() {
  char byte = 0;
  const ssize_t size = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return size >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

void Connection::KeepForReuse(bool reusable) {
  // Bytes behind the response belong to nothing we asked for.
  if (!reusable || received_.size() > 0) {
    Close();
    return;
  }
  read_size_ = kMinRead;
  if (received_.capacity() > kMaxIdleBuffer) received_.shrink_to_fit();
  idle_since_ = Clock::now();
  SetBound({idle_since_ + kIdleLife, "idle"});
  clean_ = true;
}

void Connection::SetBound(const Bound& bound) {
  bound_ = bound;
  if (bound.at < watchdog_at_) ArmWatchdog(bound.at);
}

void Connection::ArmWatchdog(TimePoint at) {
  watchdog_at_ = at;
  watchdog_.expires_at(at);
  watchdog_.async_wait([self = shared_from_this()](const error_code& ec) {
    if (ec != asio::error::operation_aborted) self->OnWatchdog();
  });
}

void Connection::OnWatchdog() {
  watchdog_at_ = kNoDeadline;
  if (!socket_.is_open()) return;
  const TimePoint now = Clock::now();
  if (now < bound_.at) {
    ArmWatchdog(bound_.at);
    return;
  }
  if (!clean_) {
    timed_out_ = true;
    error_code ignored;
    socket_.close(ignored);
    return;
  }
  // Idle for long, unless another executor has just taken it for an exchange, which will come with bounds of its own.
  const std::shared_ptr<Pool> pool = pool_.lock();
  if (pool == nullptr || pool->RemoveIdle(*this)) {
    Close();
  } else {
    ArmWatchdog(now + kTrustedIdle);
  }
}

void Connection::Close() {
  clean_ = false;
  error_code ignored;
  socket_.close(ignored);
  watchdog_.cancel();
  watchdog_at_ = kNoDeadline;
}

absl::Status Connection::Fail(bool cancelled, absl::string_view what, const error_code& ec) {
  Close();
  if (cancelled) return CancelledError();
  if (timed_out_) return TimeoutError(bound_, server_->url);
  return UnreachableError(server_->url, what, ec.message());
}

absl::Status Connection::FailHandshake(bool cancelled, const error_code& ec) {
  const std::string problem = CertificateProblem(tls_->native_handle());
  if (cancelled || timed_out_ || problem.empty()) return Fail(cancelled, "fails the TLS handshake", ec);
  Close();
  return Error(
      absl::StatusCode::kUnavailable, reason::kProviderUnreachable,
      absl::StrCat("The certificate of ", server_->url.authority(), " is not accepted (", problem,
                   "). Check the host in the provider's base_url, or name its certificate authority in ca_file."));
}

absl::Status Connection::Malformed(const error_code& ec) {
  namespace http = boost::beast::http;
  Close();
  std::string message;
  if (ec == http::error::body_limit) {
    message = absl::StrCat("The response of ", server_->url.authority(), " is larger than max_response_bytes (",
                           server_->max_response_bytes,
                           "). Ask for less, or raise that value in the provider's configuration.");
  } else if (ec == http::error::header_limit) {
    message = absl::StrCat("The response header of ", server_->url.authority(), " is larger than ",
                           ResponseParser::kMaxHeaderBytes, " bytes. Check that base_url leads to the provider's API.");
  } else {
    message = absl::StrCat("The response of ", server_->url.authority(), " is not valid HTTP (", ec.message(),
                           "). Check the scheme, the port and the path of the provider's base_url.");
  }
  return Error(absl::StatusCode::kInternal, reason::kProviderMalformed, message);
}

}  // namespace dspex::http
