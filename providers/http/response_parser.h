#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "providers/http/response.h"

namespace dspex::http {

using boost::system::error_code;

/// Reads the bytes of one HTTP/1.x response: Beast's grammar, our limits. Responses of class 1xx are skipped.
class ResponseParser {
 public:
  /// Bytes of a header at most.
  static constexpr std::uint32_t kMaxHeaderBytes = 64 * 1024;

  explicit ResponseParser(std::uint64_t max_body_bytes);
  ~ResponseParser();

  /// Takes bytes and returns how many it used up; those it did not must come again, with more behind them. Header lines
  /// are only taken whole. Not called once done.
  std::size_t Put(const char* data, std::size_t size, error_code& ec);

  /// The peer sends no more. Completes a response that ends with its connection; for others it is an error.
  void PutEof(error_code& ec);

  bool done() const { return done_; }
  /// What has come of the response, once its header has; not that of an informational one.
  const Response& response() const { return response_; }
  bool header_done() const { return message_->is_header_done() && response_.status / 100 != 1; }
  /// The part of the body that has come since the last call.
  std::string TakeBody() { return std::exchange(response_.body, std::string()); }
  /// Whether the connection may serve another exchange. Valid once done.
  bool keep_alive() const { return keep_alive_; }
  /// Valid once done, once.
  Response Take() { return std::move(response_); }

 private:
  // Beast's parser tells of what it finds through virtual functions; it reads one message.
  class Message final : public boost::beast::http::basic_parser<false> {
   public:
    Message(Response& response, std::uint64_t max_body_bytes);

   private:
    using string_view = boost::beast::string_view;
    using field = boost::beast::http::field;

    void on_request_impl(boost::beast::http::verb, string_view, string_view, int, error_code&) override {}
    void on_response_impl(int code, string_view reason, int version, error_code& ec) override;
    void on_field_impl(field name, string_view name_string, string_view value, error_code& ec) override;
    void on_header_impl(error_code& ec) override;
    void on_body_init_impl(const boost::optional<std::uint64_t>& content_length, error_code& ec) override;
    std::size_t on_body_impl(string_view body, error_code& ec) override;
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t remain, string_view body, error_code& ec) override;
    void on_finish_impl(error_code&) override {}

    Response& response_;
    bool in_header_ = true;
  };

  void Finish();

  const std::uint64_t max_body_bytes_;
  Response response_;
  std::optional<Message> message_;
  int informational_ = 0;
  bool done_ = false;
  bool keep_alive_ = false;
};

}  // namespace dspex::http
