#include "tests/mock_llm/session.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "tests/mock_llm/control.h"
#include "tests/mock_llm/dialect.h"
#include "tests/mock_llm/server.h"

namespace dspex::mock_llm {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr auto kUseTuple = asio::as_tuple(asio::use_awaitable);
constexpr auto kNever = steady_clock::time_point::max();
constexpr std::chrono::seconds kSendLimit{30};
constexpr std::chrono::seconds kTakeLimit{120};  // Longer than any client may hold a stream back.
constexpr uint32_t kMaxHeaderBytes = 64u << 10;
constexpr uint64_t kMaxBodyBytes = 64u << 20;

absl::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

std::string Refusal(absl::string_view code, absl::string_view message) {
  return DialectOf(Face::kChat).WriteError({400, "invalid_request_error", std::string(code)}, message, 0);
}

Answer JsonAnswer(int status, std::string body) {
  Answer answer;
  answer.status = status;
  SetBody(answer, std::move(body));
  return answer;
}

}  // namespace

struct Session::HttpRequest {
  HttpRequest() {
    parser.eager(true);
    parser.header_limit(kMaxHeaderBytes);
    parser.body_limit(kMaxBodyBytes);
  }

  std::string Target() { return std::string(parser.get().target()); }

  Headers TakeHeaders() {
    Headers headers;
    for (const auto& field : parser.get()) {
      std::string name = absl::AsciiStrToLower(View(field.name_string()));
      const absl::string_view value = View(field.value());
      const auto same = std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return h.first == name; });
      if (same == headers.end()) {
        headers.emplace_back(std::move(name), value);
      } else {
        absl::StrAppend(&same->second, ", ", value);
      }
    }
    return headers;
  }

  http::request_parser<http::string_body> parser;
};

Session::Session(tcp::socket socket, Server& server)
    : socket_(std::move(socket)), timer_(socket_.get_executor()), server_(server) {
  server_.Add(this);
}

Session::~Session() { server_.Remove(this); }

asio::awaitable<void> Session::Run() {
  id_ = server_.recorder().Open();
  while (socket_.is_open()) {
    HttpRequest request;
    const bool whole = co_await Read(request);
    if (!socket_.is_open()) break;
    if (!whole) {
      const Answer refusal = JsonAnswer(400, Refusal("bad_request", "This is not an HTTP request."));
      co_await Deliver(refusal, 0, /*keep_alive=*/false);
    } else if (absl::StartsWith(View(request.parser.get().target()), "/_mock")) {
      co_await Control(request);
    } else {
      co_await AnswerModel(request);
    }
  }
}

void Session::Close(ClosedBy by) {
  if (!socket_.is_open()) return;
  server_.recorder().Close(id_, by);
  in_flight_ = false;
  error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
}

// Closes with an RST instead of a FIN.
void Session::Reset() {
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  Close(ClosedBy::kSelf);
}

// True when a whole request was read; false when it cannot be one, or the connection is closed.
asio::awaitable<bool> Session::Read(HttpRequest& request) {
  while (true) {
    if (!unread_.empty()) {
      error_code error;
      const size_t used = request.parser.put(asio::buffer(unread_), error);
      unread_.erase(0, used);
      if (error && error != http::error::need_more) co_return false;
      if (request.parser.is_done()) break;
      if (stalled_at_ == kNever) stalled_at_ = steady_clock::now() + kSendLimit;
    }
    const size_t size = co_await ReadSome();
    if (size == 0) co_return false;
    unread_.append(server_.read_buffer().data(), size);
  }
  stalled_at_ = kNever;
  co_return true;
}

// Waits for bytes and moves them to the server's read buffer; 0 when the peer closed the connection.
asio::awaitable<size_t> Session::ReadSome() {
  while (socket_.is_open()) {
    auto readable = socket_.async_wait(tcp::socket::wait_read, kUseTuple);
    co_await std::move(readable);
    if (!socket_.is_open()) break;
    error_code error;
    const size_t size = socket_.read_some(asio::buffer(server_.read_buffer()), error);
    if (!error) co_return size;
    if (error != asio::error::would_block) Close(ClosedBy::kPeer);
  }
  co_return 0;
}

asio::awaitable<void> Session::Control(HttpRequest& request) {
  server_.recorder().Forget(id_);
  const std::string method(request.parser.get().method_string());
  const std::string target = request.Target();
  ControlReply reply = co_await HandleControl(server_, method, target, request.parser.get().body());
  if (!socket_.is_open()) co_return;
  const Answer answer = JsonAnswer(reply.status, std::move(reply.body));
  co_await Deliver(answer, 0, request.parser.get().keep_alive());
}

asio::awaitable<void> Session::AnswerModel(HttpRequest& request) {
  auto& message = request.parser.get();
  const int64_t sequence = server_.recorder().next_sequence();
  const bool keep_alive = message.keep_alive();
  Headers headers = request.TakeHeaders();
  Answer answer;
  const std::optional<Face> face = FaceOf(View(message.target()));
  if (message.method() == http::verb::post && face.has_value()) {
    answer = server_.script().AnswerTo({sequence, &headers, message.body(), *face, server_.clock().Now()});
  } else {
    answer = JsonAnswer(
        404, Refusal("unknown_url", "The mock answers POST to /chat/completions, /responses and /messages only."));
  }
  in_flight_ = true;
  server_.recorder().Begin(id_, std::string(message.method_string()), request.Target(), std::move(headers),
                           std::move(message.body()));
  if (answer.latency.count() > 0) {
    const bool connected = co_await PauseFor(answer.latency);
    if (!connected) co_return;
  }
  co_await Deliver(answer, sequence, keep_alive);
}

// False when the connection closed before all was handed to the kernel.
asio::awaitable<bool> Session::Write(absl::string_view bytes) {
  while (socket_.is_open()) {
    error_code error;
    bytes.remove_prefix(socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error));
    if (bytes.empty()) co_return true;
    if (error == asio::error::would_block) {
      stalled_at_ = steady_clock::now() + kTakeLimit;
      auto writable = socket_.async_wait(tcp::socket::wait_write, kUseTuple);
      co_await std::move(writable);
      stalled_at_ = kNever;
    } else if (error) {
      Close(ClosedBy::kPeer);
    }
  }
  co_return false;
}

// Waits for a time of the server's clock; false when the connection closed first.
asio::awaitable<bool> Session::PauseFor(Milliseconds time) {
  Clock& clock = server_.clock();
  if (!clock.driven()) {
    co_return co_await Pause(steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(time));
  }
  const Clock::Sleep sleep(clock, absl::Milliseconds(time.count()), timer_);
  co_return co_await Pause(kNever);
}

// Waits until then; false when the connection closed first.
asio::awaitable<bool> Session::Pause(steady_clock::time_point until) {
  if (!socket_.is_open()) co_return false;
  timer_.expires_at(until);
  WatchForClose();
  auto expired = timer_.async_wait(kUseTuple);
  co_await std::move(expired);
  if (!socket_.is_open()) co_return false;
  socket_.cancel();  // The watch.
  co_return true;
}

// Closes the session as soon as the peer's close arrives. A peer that sends more bytes instead is not watched further.
void Session::WatchForClose() {
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](error_code error) {
    if (error || !self->socket_.is_open()) return;
    char byte;
    self->socket_.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, error);
    if (error == asio::error::would_block) return self->WatchForClose();
    if (error) self->Close(ClosedBy::kPeer);
  });
}

}  // namespace dspex::mock_llm
