#include "providers/http/client.h"

#include <absl/base/thread_annotations.h>
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
#include <optional>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/mutex.h"
#include "engine/base/reasons.h"
#include "engine/base/waiter.h"
#include "providers/http/addresses.h"
#include "providers/http/connection.h"
#include "providers/http/pool.h"
#include "providers/http/tls.h"
#include "providers/http/url.h"

namespace dspex::http {

namespace {

constexpr auto kKeepAddresses = std::chrono::seconds(30);

using Buffers = absl::Span<const asio::const_buffer>;

// An exchange on a connection of another executor: there its end and the pieces of an event stream come from, one at a
// time; here they are waited for. Shared by both sides: a cancellation may be on its way when the exchange ends.
class RemoteExchange final : public EventStreamReader {
 public:
  RemoteExchange(asio::any_io_executor caller, EventStreamReader* reader)
      : caller_(std::move(caller)), reader_(reader), arrived_(std::make_shared<Waiter>(caller_)) {}

  /// Touched on the connection's home only.
  asio::cancellation_signal cancel;

  // At home. The caller leaves its reader alone while it waits for the next piece.
  void Begin(const Headers& headers) override { reader_->Begin(headers); }
  bool complete() const override { return reader_->complete(); }
  StatusTask Take(std::string piece) override {
    const auto taken = std::make_shared<Waiter>(co_await asio::this_coro::executor);
    std::shared_ptr<Waiter> arrived;
    {
      MutexLock lock(&mutex_);
      piece_ = std::move(piece);
      taken_ = taken;
      arrived = arrived_;
    }
    arrived->Wake();
    absl::Status waited = co_await taken->Wait(kNoDeadline);
    if (!taken->woken()) co_return waited;
    MutexLock lock(&mutex_);
    co_return taken_status_;
  }
  void End(absl::StatusOr<Response> result) {
    std::shared_ptr<Waiter> arrived;
    {
      MutexLock lock(&mutex_);
      result_ = std::move(result);
      arrived = arrived_;
    }
    arrived->Wake();
  }

  // At the caller.

  /// Suspends until there is a piece or the end; an error if it was cancelled before.
  StatusTask WaitForNews() {
    std::shared_ptr<Waiter> arrived;
    {
      MutexLock lock(&mutex_);
      arrived = arrived_;
    }
    absl::Status waited = co_await arrived->Wait(kNoDeadline);
    co_return arrived->woken() ? absl::OkStatus() : waited;
  }
  std::optional<absl::StatusOr<Response>> TakeResult() {
    MutexLock lock(&mutex_);
    return std::exchange(result_, std::nullopt);
  }
  StatusTask HandPieceOn() {
    std::string piece;
    std::shared_ptr<Waiter> taken;
    {
      MutexLock lock(&mutex_);
      piece = std::move(piece_);
      taken = taken_;
      arrived_ = std::make_shared<Waiter>(caller_);
    }
    absl::Status status = co_await reader_->Take(std::move(piece));
    {
      MutexLock lock(&mutex_);
      taken_status_ = status;
    }
    taken->Wake();
    co_return status;
  }

 private:
  const asio::any_io_executor caller_;
  EventStreamReader* const reader_;
  Mutex mutex_;
  std::shared_ptr<Waiter> arrived_ ABSL_GUARDED_BY(mutex_);
  std::string piece_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<Waiter> taken_ ABSL_GUARDED_BY(mutex_);
  absl::Status taken_status_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::StatusOr<Response>> result_ ABSL_GUARDED_BY(mutex_);
};

Task<Response> RunExchange(std::shared_ptr<Connection> connection, Buffers request, Bound total,
                           EventStreamReader* events) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_return co_await connection->Exchange(request, total, events);
}

// co_spawn with use_awaitable would do, but for its cancellation in Boost 1.81: it reaches for a signal that the
// caller's side may have freed by then.
Task<Response> ExchangeAtHome(std::shared_ptr<Connection> connection, Buffers request, Bound total,
                              EventStreamReader* events) {
  const asio::any_io_executor caller = co_await asio::this_coro::executor;
  auto remote = std::make_shared<RemoteExchange>(caller, events);
  asio::post(connection->home(), [remote, connection, request, total, streams = events != nullptr] {
    auto on_end = [remote](const std::exception_ptr& exception, absl::StatusOr<Response> result) {
      if (exception) result = Error(absl::StatusCode::kInternal, reason::kInternal, "An HTTP exchange failed.");
      remote->End(std::move(result));
    };
    asio::co_spawn(connection->home(), RunExchange(connection, request, total, streams ? remote.get() : nullptr),
                   asio::bind_cancellation_slot(remote->cancel.slot(), std::move(on_end)));
  });
  // The request's bytes are the caller's: it may not go on before the exchange has ended.
  for (;;) {
    const absl::Status waited = co_await remote->WaitForNews();
    if (!waited.ok()) {
      asio::post(connection->home(), [remote] { remote->cancel.emit(asio::cancellation_type::terminal); });
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      continue;
    }
    std::optional<absl::StatusOr<Response>> result = remote->TakeResult();
    if (result.has_value()) co_return *std::move(result);
    // An error goes home, and comes back as the exchange's end.
    static_cast<void>(co_await remote->HandPieceOn());
  }
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
  Task<Response> Post(RequestContext context, absl::string_view head, absl::Span<const absl::string_view> body,
                      EventStreamReader* events) override;

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
                                  absl::Span<const absl::string_view> body, EventStreamReader* events) {
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
      response = co_await connection.Exchange(request, total, events);
    } else {
      response = co_await ExchangeAtHome(lease.connection(), request, total, events);
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
