#include "providers/http/response_parser.h"

#include <algorithm>
#include <boost/beast/http/error.hpp>

namespace dspex::http {

namespace beast_http = boost::beast::http;

namespace {
// A peer that sends more of them before its answer means no good.
constexpr int kMaxInformational = 16;
// What a declared length may make us reserve before any of it came.
constexpr std::uint64_t kMaxReserve = 64 * 1024;
// Room that a JSON parser wants behind the text, so that it need not copy it.
constexpr std::uint64_t kPadding = 64;
}  // namespace

ResponseParser::Message::Message(Response& response, std::uint64_t max_body_bytes) : response_(response) {
  eager(true);
  header_limit(kMaxHeaderBytes);
  body_limit(max_body_bytes);
}

void ResponseParser::Message::on_response_impl(int code, string_view, int, error_code&) { response_.status = code; }

void ResponseParser::Message::on_field_impl(field, string_view name, string_view value, error_code&) {
  // Trailers, which come by the same way, are dropped.
  if (in_header_) response_.headers.Append({name.data(), name.size()}, {value.data(), value.size()});
}

void ResponseParser::Message::on_header_impl(error_code&) { in_header_ = false; }

void ResponseParser::Message::on_body_init_impl(const boost::optional<std::uint64_t>& content_length, error_code&) {
  if (content_length) response_.body.reserve(std::min(*content_length, kMaxReserve) + kPadding);
}

std::size_t ResponseParser::Message::on_body_impl(string_view body, error_code&) {
  response_.body.append(body.data(), body.size());
  return body.size();
}

std::size_t ResponseParser::Message::on_chunk_body_impl(std::uint64_t, string_view body, error_code&) {
  response_.body.append(body.data(), body.size());
  return body.size();
}

ResponseParser::ResponseParser(std::uint64_t max_body_bytes) : max_body_bytes_(max_body_bytes) {
  message_.emplace(response_, max_body_bytes_);
}

ResponseParser::~ResponseParser() = default;

std::size_t ResponseParser::Put(const char* data, std::size_t size, error_code& ec) {
  std::size_t used = 0;
  while (!done_ && used < size) {
    used += message_->put(boost::asio::const_buffer(data + used, size - used), ec);
    if (ec == beast_http::error::need_more) {
      // Chunk headers and trailers have no limit of their own in Beast.
      ec = size - used > kMaxHeaderBytes ? make_error_code(beast_http::error::header_limit) : error_code();
      break;
    }
    if (ec || !message_->is_done()) break;
    if (response_.status / 100 != 1) {
      Finish();
    } else if (response_.status == 101 || ++informational_ > kMaxInformational) {
      ec = beast_http::error::unexpected_body;
      break;
    } else {
      response_ = Response();
      message_.emplace(response_, max_body_bytes_);
    }
  }
  return used;
}

void ResponseParser::PutEof(error_code& ec) {
  if (!message_->got_some()) {
    ec = beast_http::error::end_of_stream;
    return;
  }
  message_->put_eof(ec);
  if (!ec) Finish();
}

void ResponseParser::Finish() {
  done_ = true;
  keep_alive_ = message_->keep_alive();
}

}  // namespace dspex::http
