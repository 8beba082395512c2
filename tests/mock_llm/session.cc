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

#include "tests/mock_llm/completion.h"
#include "tests/mock_llm/control.h"
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
constexpr std::chrono::seconds kStallLimit{30};
constexpr uint32_t kMaxHeaderBytes = 64u << 10;
constexpr uint64_t kMaxBodyBytes = 64u << 20;

absl::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

bool Names(const Headers& headers, absl::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
}

std::string ResponseHead(const Answer& answer, int64_t sequence, bool keep_alive) {
  const absl::string_view reason = View(http::obsolete_reason(static_cast<http::status>(answer.status)));
  std::string head = absl::StrCat("HTTP/1.1 ", answer.status, " ", reason, "\r\n");
  const auto add = [&](absl::string_view name, const auto& value) {
    if (!Names(answer.headers, name)) absl::StrAppend(&head, name, ": ", value, "\r\n");
  };
  add("content-type", answer.content_type);
  add("content-length", answer.body->size());
  add("x-request-id", absl::StrCat("req_mock_", sequence));
  if (!keep_alive) add("connection", "close");
  for (const auto& [name, value] : answer.headers) absl::StrAppend(&head, name, ": ", value, "\r\n");
  head += "\r\n";
  return head;
}

Answer JsonAnswer(int status, std::string body) {
  Answer answer;
  answer.status = status;
  answer.body = std::make_shared<const std::string>(std::move(body));
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
      const Answer refusal =
          JsonAnswer(400, WriteError("This is not an HTTP request.", "invalid_request_error", "bad_request"));
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
      if (stalled_at_ == kNever) stalled_at_ = steady_clock::now() + kStallLimit;
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
  if (message.method() == http::verb::post && absl::EndsWith(View(message.target()), "/chat/completions")) {
    answer = server_.script().AnswerTo({sequence, &headers, message.body()});
  } else {
    answer = JsonAnswer(
        404, WriteError("The mock answers POST to /chat/completions only.", "invalid_request_error", "unknown_url"));
  }
  in_flight_ = true;
  server_.recorder().Begin(id_, std::string(message.method_string()), request.Target(), std::move(headers),
                           std::move(message.body()));
  if (answer.latency.count() > 0) {
    const auto until = steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(answer.latency);
    const bool connected = co_await Pause(until);
    if (!connected) co_return;
  }
  co_await Deliver(answer, sequence, keep_alive);
}

asio::awaitable<void> Session::Deliver(const Answer& answer, int64_t sequence, bool keep_alive) {
  const absl::string_view body = *answer.body;
  std::string bytes = ResponseHead(answer, sequence, keep_alive);
  switch (answer.delivery) {
    case Delivery::kWhole:
      bytes.append(body.data(), body.size());
      co_await Write(bytes);
      break;
    case Delivery::kDrip:
      co_await Write(bytes);
      co_await Drip(body, answer.drip);
      break;
    case Delivery::kClose:
      Close(ClosedBy::kSelf);
      break;
    case Delivery::kReset:
      Reset();
      break;
    case Delivery::kCloseInBody:
    case Delivery::kResetInBody:
      bytes.append(body.data(), body.size() / 2);
      co_await Write(bytes);
      answer.delivery == Delivery::kResetInBody ? Reset() : Close(ClosedBy::kSelf);
      break;
    case Delivery::kHangInBody:
      bytes.append(body.data(), body.size() / 2);
      co_await Write(bytes);
      [[fallthrough]];
    case Delivery::kHang:
      co_await Pause(kNever);
      break;
  }
  if (!socket_.is_open()) co_return;
  in_flight_ = false;
  server_.recorder().Answered(id_);
  if (!keep_alive) Close(ClosedBy::kSelf);
}

asio::awaitable<void> Session::Drip(absl::string_view body, Milliseconds interval) {
  for (const char byte : body) {
    const bool written = co_await Write(absl::string_view(&byte, 1));
    if (!written) co_return;
    const bool connected =
        co_await Pause(steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(interval));
    if (!connected) co_return;
  }
}

// False when the connection closed before all was handed to the kernel.
asio::awaitable<bool> Session::Write(absl::string_view bytes) {
  while (socket_.is_open()) {
    error_code error;
    bytes.remove_prefix(socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error));
    if (bytes.empty()) co_return true;
    if (error == asio::error::would_block) {
      stalled_at_ = steady_clock::now() + kStallLimit;
      auto writable = socket_.async_wait(tcp::socket::wait_write, kUseTuple);
      co_await std::move(writable);
      stalled_at_ = kNever;
    } else if (error) {
      Close(ClosedBy::kPeer);
    }
  }
  co_return false;
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
