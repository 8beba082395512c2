#include "tests/mock_llm/server.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/mock_llm/session.h"

namespace dspex::mock_llm {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr size_t kReadBufferBytes = 64u << 10;
constexpr size_t kMaxConnections = 16'000;
constexpr std::chrono::milliseconds kSweepInterval{1000};
constexpr std::chrono::milliseconds kAcceptBackoff{10};
constexpr auto kUseTuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(asio::io_context& context, const Options& options) {
  absl::StatusOr<Script> script =
      options.script.empty() ? Script(options.latency) : Script::Parse(options.script, options.latency);
  if (!script.ok()) return script.status();
  std::unique_ptr<Server> server(new Server(context, options, *std::move(script)));
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), options.port);
  try {
    server->acceptor_.open(endpoint.protocol());
    server->acceptor_.set_option(asio::socket_base::reuse_address(true));
    server->acceptor_.bind(endpoint);
    server->acceptor_.listen();
  } catch (const boost::system::system_error& error) {
    return absl::UnavailableError(absl::StrCat("Cannot listen on port ", options.port, ": ", error.what()));
  }
  asio::co_spawn(context, server->Accept(), asio::detached);
  asio::co_spawn(context, server->CloseStalled(), asio::detached);
  return server;
}

Server::Server(asio::io_context& context, const Options& options, Script script)
    : options_(options),
      script_(std::move(script)),
      recorder_(options.record),
      acceptor_(context),
      accept_timer_(context),
      sweep_timer_(context),
      read_buffer_(kReadBufferBytes) {}

absl::Status Server::SetScript(absl::string_view text) {
  absl::StatusOr<Script> script = Script::Parse(text, options_.latency);
  if (!script.ok()) return script.status();
  script_ = *std::move(script);
  return absl::OkStatus();
}

void Server::Stop() {
  error_code ignored;
  acceptor_.close(ignored);
  accept_timer_.cancel();
  sweep_timer_.cancel();
  recorder_.EndWaits();
  for (const auto& session : Sessions()) session->Close(ClosedBy::kSelf);
}

void Server::Reset() {
  for (const auto& session : Sessions()) {
    if (session->in_flight()) session->Close(ClosedBy::kSelf);
  }
  script_ = options_.script.empty() ? Script(options_.latency) : *Script::Parse(options_.script, options_.latency);
  recorder_.Reset();
  clock_.Reset();
}

int64_t Server::Release() {
  const auto sessions = Sessions();
  return std::count_if(sessions.begin(), sessions.end(), [](const auto& session) { return session->Release(); });
}

asio::awaitable<void> Server::Accept() {
  while (acceptor_.is_open()) {
    auto accepting = acceptor_.async_accept(kUseTuple);
    auto [error, socket] = co_await std::move(accepting);
    if (!acceptor_.is_open()) break;
    if (error) {  // Out of files, or the client has gone again.
      accept_timer_.expires_after(kAcceptBackoff);
      auto pause = accept_timer_.async_wait(kUseTuple);
      co_await std::move(pause);
      continue;
    }
    if (sessions_.size() >= kMaxConnections) continue;
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.set_option(tcp::no_delay(true), ignored);
    auto session = std::make_shared<Session>(std::move(socket), *this);
    asio::co_spawn(acceptor_.get_executor(), session->Run(),
                   [session](std::exception_ptr) { session->Close(ClosedBy::kSelf); });
  }
}

// Closes connections whose client does not go on with what it has begun.
asio::awaitable<void> Server::CloseStalled() {
  while (acceptor_.is_open()) {
    sweep_timer_.expires_after(kSweepInterval);
    auto pause = sweep_timer_.async_wait(kUseTuple);
    co_await std::move(pause);
    const auto now = std::chrono::steady_clock::now();
    for (const auto& session : Sessions()) {
      if (session->stalled_at() < now) session->Close(ClosedBy::kSelf);
    }
  }
}

// Held, because closing one may end its coroutine.
std::vector<std::shared_ptr<Session>> Server::Sessions() const {
  std::vector<std::shared_ptr<Session>> sessions;
  for (Session* session : sessions_) sessions.push_back(session->shared_from_this());
  return sessions;
}

}  // namespace dspex::mock_llm
