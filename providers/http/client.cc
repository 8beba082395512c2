#include "providers/http/client.h"

#include <absl/container/inlined_vector.h>
#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/http/addresses.h"
#include "providers/http/connection.h"
#include "providers/http/pool.h"
#include "providers/http/tls.h"
#include "providers/http/url.h"

namespace dspex::http {

namespace {

constexpr auto kKeepAddresses = std::chrono::seconds(30);

using Buffers = absl::Span<const asio::const_buffer>;

// An exchange on a connection of another executor. Shared by both sides: a cancellation may be on its way when the
// exchange ends.
struct RemoteExchange {
  explicit RemoteExchange(const asio::any_io_executor& caller) : ended(std::make_shared<Waiter>(caller)) {}
  /// Touched on the connection's home only.
  asio::cancellation_signal cancel;
  /// Written before `ended` wakes the caller.
  absl::StatusOr<Response> result;
  const std::shared_ptr<Waiter> ended;
};

Task<Response> RunExchange(std::shared_ptr<Connection> connection, Buffers request, Bound total) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_return co_await connection->Exchange(request, total);
}

// co_spawn with use_awaitable would do, but for its cancellation in Boost 1.81: it reaches for a signal that the
// caller's side may have freed by then.
Task<Response> ExchangeAtHome(std::shared_ptr<Connection> connection, Buffers request, Bound total) {
  const asio::any_io_executor caller = co_await asio::this_coro::executor;
  auto remote = std::make_shared<RemoteExchange>(caller);
  asio::post(connection->home(), [remote, connection, request, total] {
    auto on_end = [remote](const std::exception_ptr& exception, absl::StatusOr<Response> result) {
      if (exception) result = Error(absl::StatusCode::kInternal, reason::kInternal, "An HTTP exchange failed.");
      remote->result = std::move(result);
      remote->ended->Wake();
    };
    asio::co_spawn(connection->home(), RunExchange(connection, request, total),
                   asio::bind_cancellation_slot(remote->cancel.slot(), std::move(on_end)));
  });
  absl::Status ended = co_await remote->ended->Wait(kNoDeadline);
  if (!remote->ended->woken()) {
    asio::post(connection->home(), [remote] { remote->cancel.emit(asio::cancellation_type::terminal); });
    // The request's bytes are the caller's: it may not go on before the exchange has ended.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    ended = co_await remote->ended->Wait(kNoDeadline);
  }
  co_return std::move(remote->result);
}

class PooledClient final : public Client {
 public:
  PooledClient(const Url& url, const ClientOptions& options, std::shared_ptr<Server> server)
      : base_url_(url.ToString()),
        user_agent_(options.user_agent),
        addresses_(SystemLookUp(url.host, url.port), kKeepAddresses),
        server_(std::move(server)),
        pool_(std::make_shared<Pool>(options.max_connections)) {}

  ~PooledClient() override { pool_->Close(); }

  absl::StatusOr<std::string> PostHead(absl::string_view path,
                                       const std::vector<std::pair<std::string, std::string>>& headers) const override;
  Task<Response> Post(RequestContext context, absl::string_view head,
                      absl::Span<const absl::string_view> body) override;

  PoolStats stats() const override { return pool_->stats(); }
  const std::string& base_url() const override { return base_url_; }
  void Close() override { pool_->Close(); }

 private:
  Task<Lease> WaitForLease(const RequestContext& context);
  StatusTask OpenConnection(Lease& lease, const Bound& total);

  const std::string base_url_;
  const std::string user_agent_;
  AddressCache addresses_;
  const std::shared_ptr<Server> server_;
  const std::shared_ptr<Pool> pool_;
};

bool IsFieldValue(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return !absl::ascii_iscntrl(static_cast<unsigned char>(c)); });
}

absl::StatusOr<std::string> PooledClient::PostHead(
    absl::string_view path, const std::vector<std::pair<std::string, std::string>>& headers) const {
  std::string head = absl::StrCat("POST ", server_->url.path, path, " HTTP/1.1\r\nHost: ", server_->url.authority(),
                                  "\r\nUser-Agent: ", user_agent_,
                                  "\r\nAccept: application/json\r\nContent-Type: application/json\r\n");
  for (const auto& [name, value] : headers) {
    if (!IsFieldValue(name) || !IsFieldValue(value)) {
      return Error(
          absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
          absl::StrCat(
              "The value for the HTTP header ", name,
              " holds a line break or another control character. Remove it from the key or setting it comes from."));
    }
    absl::StrAppend(&head, name, ": ", value, "\r\n");
  }
  absl::StrAppend(&head, "Content-Length: ");
  return head;
}

Task<Response> PooledClient::Post(RequestContext context, absl::string_view head,
                                  absl::Span<const absl::string_view> body) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const asio::cancellation_state at_start = co_await asio::this_coro::cancellation_state;
  if (at_start.cancelled() != asio::cancellation_type::none) co_return CancelledError();

  std::size_t body_size = 0;
  for (const absl::string_view piece : body) body_size += piece.size();
  const std::string length = absl::StrCat(body_size, "\r\n\r\n");
  absl::InlinedVector<asio::const_buffer, 6> request{asio::buffer(head.data(), head.size()), asio::buffer(length)};
  for (const absl::string_view piece : body) request.push_back(asio::buffer(piece.data(), piece.size()));

  Lease lease = pool_->TryAcquire(executor);
  if (!lease) {
    absl::StatusOr<Lease> waited = co_await WaitForLease(context);
    if (!waited.ok()) co_return waited.status();
    lease = *std::move(waited);
  }
  const TimePoint begin = Clock::now();
  if (context.deadline() <= begin) co_return TimeoutError({begin, "connect", true}, server_->url);
  const Bound total = Within({begin + server_->timeouts.total, "total"}, {context.deadline(), "total", true});
  for (;;) {
    const bool reused = lease.connection() != nullptr;
    if (!reused) {
      absl::Status opened = co_await OpenConnection(lease, total);
      if (!opened.ok()) co_return opened;
    }
    Connection& connection = *lease.connection();
    absl::StatusOr<Response> response = absl::UnknownError("");
    if (connection.home() == executor) {
      response = co_await connection.Exchange(request, total);
    } else {
      response = co_await ExchangeAtHome(lease.connection(), request, total);
    }
    if (response.ok() || !reused || !connection.broke_before_response()) co_return response;
    // The server closed the kept-alive connection, so it has not begun the request: once more, on a fresh one.
    lease.set_connection(nullptr);
  }
}

Task<Lease> PooledClient::WaitForLease(const RequestContext& context) {
  const TimePoint begin = Clock::now();
  absl::StatusOr<Lease> lease = co_await pool_->Acquire(context.deadline());
  context.record().queued += Clock::now() - begin;
  if (lease.ok()) co_return lease;
  if (absl::IsCancelled(lease.status())) co_return CancelledError();
  co_return Error(
      absl::StatusCode::kDeadlineExceeded, reason::kDeadlineExceeded,
      absl::StrCat(
          "No connection to ", server_->url.authority(),
          " became free before the call's deadline. Raise the provider's max_connections, or send less at a time."))
      .With("where", "queue");
}

StatusTask PooledClient::OpenConnection(Lease& lease, const Bound& total) {
  const Bound connect = Within({Clock::now() + server_->timeouts.connect, "connect"}, total);
  const absl::StatusOr<AddressList> addresses = co_await addresses_.Get(connect.at);
  if (!addresses.ok()) {
    if (absl::IsCancelled(addresses.status())) co_return CancelledError();
    if (absl::IsDeadlineExceeded(addresses.status())) co_return TimeoutError(connect, server_->url);
    co_return UnreachableError(server_->url, "cannot be found by its name", addresses.status().message());
  }
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  auto connection = std::make_shared<Connection>(server_, pool_, executor);
  absl::Status opened = co_await connection->Open(*addresses, connect);
  if (!opened.ok()) co_return opened;
  pool_->CountOpened();
  lease.set_connection(std::move(connection));
  co_return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Create(const ClientOptions& options) {
  absl::StatusOr<Url> url = ParseUrl(options.base_url);
  if (!url.ok()) return url.status();
  auto server = std::make_shared<Server>();
  server->url = *url;
  server->timeouts = options.timeouts;
  server->max_response_bytes = options.max_response_bytes;
  if (url->tls) {
    absl::StatusOr<asio::ssl::context> tls = MakeTlsContext(options.ca_file);
    if (!tls.ok()) return tls.status();
    server->tls = *std::move(tls);
  }
  return std::make_unique<PooledClient>(*url, options, std::move(server));
}

}  // namespace dspex::http
