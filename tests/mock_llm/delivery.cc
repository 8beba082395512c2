#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <chrono>

#include "tests/mock_llm/server.h"
#include "tests/mock_llm/session.h"

// How a session writes an answer.
namespace dspex::mock_llm {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using std::chrono::steady_clock;

constexpr auto kNever = steady_clock::time_point::max();

steady_clock::time_point After(Milliseconds pause) {
  return steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(pause);
}

bool Names(const Headers& headers, absl::string_view name) {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
}

std::string ResponseHead(const Answer& answer, int64_t sequence, bool keep_alive) {
  const boost::beast::string_view reason = http::obsolete_reason(static_cast<http::status>(answer.status));
  std::string head =
      absl::StrCat("HTTP/1.1 ", answer.status, " ", absl::string_view(reason.data(), reason.size()), "\r\n");
  const auto add = [&](absl::string_view name, const auto& value) {
    if (!Names(answer.headers, name)) absl::StrAppend(&head, name, ": ", value, "\r\n");
  };
  add("content-type", answer.content_type);
  if (answer.stream == nullptr) {
    add("content-length", answer.body->size());
  } else if (!answer.stream->shape.no_chunked) {
    add("transfer-encoding", "chunked");
  }
  add(answer.request_id_header, absl::StrCat("req_mock_", sequence));
  if (!keep_alive) add("connection", "close");
  for (const auto& [name, value] : answer.headers) absl::StrAppend(&head, name, ": ", value, "\r\n");
  head += "\r\n";
  return head;
}

// Fills in when an event is sent, if it asks for that.
void AddStamped(const std::string& event, Framer& framer) {
  constexpr absl::string_view kSentNs = "{{sent_ns}}";
  if (!absl::StrContains(event, kSentNs)) return framer.Add(event);
  const std::chrono::nanoseconds now = steady_clock::now().time_since_epoch();
  framer.Add(absl::StrReplaceAll(event, {{kSentNs, absl::StrCat(now.count())}}));
}

bool IsInBody(Delivery delivery) {
  return delivery == Delivery::kCloseInBody || delivery == Delivery::kResetInBody ||
         delivery == Delivery::kHangInBody || delivery == Delivery::kDrip;
}

}  // namespace

asio::awaitable<void> Session::Deliver(const Answer& answer, int64_t sequence, bool keep_alive) {
  // Without a coding the end of the connection is the end of the body.
  if (answer.stream != nullptr && answer.stream->shape.no_chunked) keep_alive = false;
  std::string head = ResponseHead(answer, sequence, keep_alive);
  if (answer.delivery == Delivery::kClose || answer.delivery == Delivery::kReset ||
      answer.delivery == Delivery::kHang) {
    co_await BreakOff(answer);
  } else if (answer.stream != nullptr) {
    co_await DeliverStream(answer, std::move(head));
  } else {
    co_await DeliverBody(answer, std::move(head));
  }
  if (!socket_.is_open()) co_return;
  in_flight_ = false;
  server_.recorder().Answered(id_);
  if (!keep_alive) Close(ClosedBy::kSelf);
}

asio::awaitable<void> Session::DeliverBody(const Answer& answer, std::string head) {
  const absl::string_view body = *answer.body;
  if (answer.delivery == Delivery::kDrip) {
    co_await Write(head);
    co_await Drip(body, answer.drip);
    co_return;
  }
  head.append(body.data(), IsInBody(answer.delivery) ? body.size() / 2 : body.size());
  co_await Write(head);
  co_await BreakOff(answer);
}

asio::awaitable<void> Session::DeliverStream(const Answer& answer, std::string head) {
  const EventStream& stream = *answer.stream;
  const StreamShape& shape = stream.shape;
  const size_t end = IsInBody(answer.delivery) ? std::min(stream.fault_at, stream.events.size()) : stream.events.size();
  Framer framer(shape.chunk_bytes, !shape.no_chunked);
  framer.AddHead(head);
  for (size_t i = 0; i < end; ++i) {
    if (i == stream.hold_at) {
      framer.Flush();
      const bool written = co_await WriteAll(framer.TakeWrites());
      const bool released = written && co_await Hold();
      if (!released) co_return;
    }
    AddStamped(stream.events[i], framer);
    if (shape.interval.count() > 0) {
      framer.Flush();
      const bool written = co_await WriteAll(framer.TakeWrites());
      const bool connected = written && co_await Pause(After(shape.interval));
      if (!connected) co_return;
    } else if (framer.IsFull()) {
      const bool written = co_await WriteAll(framer.TakeWrites());
      if (!written) co_return;
    }
  }
  IsInBody(answer.delivery) ? framer.Flush() : framer.End();
  const bool written = co_await WriteAll(framer.TakeWrites());
  if (!written) co_return;
  if (answer.delivery == Delivery::kDrip) {
    co_await DripStream(stream, end, answer.drip);
  } else {
    co_await BreakOff(answer);
  }
}

// What a fault does once all was written that it lets through.
asio::awaitable<void> Session::BreakOff(const Answer& answer) {
  switch (answer.delivery) {
    case Delivery::kWhole:
    case Delivery::kDrip:
      break;
    case Delivery::kClose:
    case Delivery::kCloseInBody:
      Close(ClosedBy::kSelf);
      break;
    case Delivery::kReset:
    case Delivery::kResetInBody:
      Reset();
      break;
    case Delivery::kHang:
    case Delivery::kHangInBody:
      co_await Pause(kNever);
      break;
  }
}

asio::awaitable<void> Session::Drip(absl::string_view body, Milliseconds interval) {
  for (const char byte : body) {
    const bool written = co_await Write(absl::string_view(&byte, 1));
    if (!written) co_return;
    const bool connected = co_await Pause(After(interval));
    if (!connected) co_return;
  }
}

asio::awaitable<void> Session::DripStream(const EventStream& stream, size_t from, Milliseconds interval) {
  Framer framer(1, !stream.shape.no_chunked);
  for (size_t i = from; i < stream.events.size(); ++i) framer.Add(stream.events[i]);
  framer.End();
  for (const std::string& bytes : framer.TakeWrites()) {
    const bool written = co_await Write(bytes);
    if (!written) co_return;
    const bool connected = co_await Pause(After(interval));
    if (!connected) co_return;
  }
}

asio::awaitable<bool> Session::WriteAll(std::vector<std::string> writes) {
  for (const std::string& bytes : writes) {
    const bool written = co_await Write(bytes);
    if (!written) co_return false;
  }
  co_return true;
}

// Waits for a release; false when the connection closed first.
asio::awaitable<bool> Session::Hold() {
  held_ = true;
  server_.recorder().Hold(1);
  const bool connected = co_await Pause(kNever);
  held_ = false;
  server_.recorder().Hold(-1);
  co_return connected;
}

bool Session::Release() {
  if (!held_) return false;
  held_ = false;
  timer_.cancel();
  return true;
}

}  // namespace dspex::mock_llm
