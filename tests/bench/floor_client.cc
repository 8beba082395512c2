#include "tests/bench/floor_client.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

namespace dspex::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using std::chrono::steady_clock;

constexpr auto kUseTuple = asio::as_tuple(asio::use_awaitable);

// As long as the product's defaults: none of them passes, each must be armed.
constexpr std::chrono::seconds kConnectTimeout{10};
constexpr std::chrono::seconds kFirstByteTimeout{120};
constexpr std::chrono::seconds kIdleTimeout{60};
constexpr std::chrono::seconds kTotalTimeout{300};
constexpr uint64_t kMaxResponseBytes = 32u << 20;

using Buffers = std::array<asio::const_buffer, 4>;

asio::const_buffer BufferOf(absl::string_view text) { return asio::buffer(text.data(), text.size()); }

absl::Status TransportError(absl::string_view what, const boost::system::error_code& error) {
  if (error == beast::error::timeout) return absl::DeadlineExceededError(absl::StrCat(what, ": timed out"));
  if (error == asio::error::operation_aborted) return absl::CancelledError(absl::StrCat(what, ": cancelled"));
  return absl::UnavailableError(absl::StrCat(what, ": ", error.message()));
}

absl::StatusOr<std::string> ContentOf(const http::response<http::string_body>& response) {
  if (response.result() != http::status::ok) {
    return absl::UnavailableError(absl::StrCat("HTTP status ", response.result_int()));
  }
  nlohmann::json body = nlohmann::json::parse(response.body(), nullptr, /*allow_exceptions=*/false);
  const nlohmann::json::json_pointer place("/choices/0/message/content");
  if (body.is_discarded() || !body.contains(place) || !body[place].is_string()) {
    return absl::InternalError("The response holds no completion.");
  }
  return std::move(body[place].get_ref<std::string&>());
}

}  // namespace

FloorClient::FloorClient(asio::io_context& context, tcp::endpoint endpoint, std::string target)
    : context_(context), endpoint_(std::move(endpoint)), target_(std::move(target)) {}

std::string FloorClient::Head(size_t body_bytes) const {
  return absl::StrCat("POST ", target_, " HTTP/1.1\r\nhost: 127.0.0.1:", endpoint_.port(),
                      "\r\nuser-agent: floor/0.1.0\r\nauthorization: Bearer bench\r\ncontent-type: "
                      "application/json\r\naccept: application/json"
                      "\r\ncontent-length: ",
                      body_bytes, "\r\n\r\n");
}

asio::awaitable<std::string> FloorClient::PostRaw(const BodyFrame& frame, absl::string_view text) {
  std::unique_ptr<RawConnection> connection;
  if (idle_raw_.empty()) {
    connection.reset(new RawConnection{tcp::socket(context_), {}});
    co_await connection->socket.async_connect(endpoint_, asio::use_awaitable);
    connection->socket.set_option(tcp::no_delay(true));
  } else {
    connection = std::move(idle_raw_.back());
    idle_raw_.pop_back();
  }
  const std::string head = Head(frame.prefix.size() + text.size() + frame.suffix.size());
  const Buffers request{BufferOf(head), BufferOf(frame.prefix), BufferOf(text), BufferOf(frame.suffix)};
  co_await asio::async_write(connection->socket, request, asio::use_awaitable);
  http::response<http::string_body> response;
  co_await http::async_read(connection->socket, connection->buffer, response, asio::use_awaitable);
  idle_raw_.push_back(std::move(connection));
  co_return std::move(response.body());
}

asio::awaitable<absl::StatusOr<std::string>> FloorClient::PostEquipped(const BodyFrame& frame, absl::string_view text) {
  const auto deadline = steady_clock::now() + kTotalTimeout;
  const auto within = [deadline](steady_clock::duration phase) {
    return std::min(deadline, steady_clock::now() + phase);
  };
  std::unique_ptr<EquippedConnection> connection;
  if (idle_equipped_.empty()) {
    connection.reset(new EquippedConnection{beast::tcp_stream(context_), {}});
    connection->stream.expires_at(within(kConnectTimeout));
    auto connect = connection->stream.async_connect(endpoint_, kUseTuple);
    const auto [error] = co_await std::move(connect);
    if (error) co_return TransportError("connect", error);
    connection->stream.socket().set_option(tcp::no_delay(true));
  } else {
    connection = std::move(idle_equipped_.back());
    idle_equipped_.pop_back();
  }
  beast::tcp_stream& stream = connection->stream;

  const std::string head = Head(frame.prefix.size() + text.size() + frame.suffix.size());
  const Buffers request{BufferOf(head), BufferOf(frame.prefix), BufferOf(text), BufferOf(frame.suffix)};
  stream.expires_at(within(kFirstByteTimeout));
  auto write = asio::async_write(stream, request, kUseTuple);
  const auto [write_error, written] = co_await std::move(write);
  if (write_error) co_return TransportError("write", write_error);

  http::response_parser<http::string_body> parser;
  parser.body_limit(kMaxResponseBytes);
  auto read_head = http::async_read_header(stream, connection->buffer, parser, kUseTuple);
  const auto [head_error, head_bytes] = co_await std::move(read_head);
  if (head_error) co_return TransportError("read", head_error);
  if (!parser.is_done()) {
    stream.expires_at(within(kIdleTimeout));
    auto read_body = http::async_read(stream, connection->buffer, parser, kUseTuple);
    const auto [body_error, body_bytes] = co_await std::move(read_body);
    if (body_error) co_return TransportError("read", body_error);
  }
  stream.expires_never();
  if (parser.keep_alive()) idle_equipped_.push_back(std::move(connection));
  co_return ContentOf(parser.get());
}

}  // namespace dspex::bench
