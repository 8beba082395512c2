#pragma once

#include <absl/strings/string_view.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dspex::mock_llm {

/// What a client got for one request. `error` is how the connection failed before the response was whole, empty if it
/// did not: "eof" for a close, "reset" for a reset, "timeout" when nothing came for a while.
struct ClientResponse {
  int status = 0;
  std::map<std::string, std::string> headers;
  std::string body;
  std::vector<std::string> chunks;  // The body's, if it came in chunks.
  std::string error;
};

/// One connection that sends requests by hand and reads responses, blocking. Written without an HTTP library so that
/// every byte, wrong ones too, is the test's own.
class TestClient {
 public:
  explicit TestClient(uint16_t port);

  /// Sends a request and reads its response.
  ClientResponse Call(absl::string_view method, absl::string_view target, absl::string_view body = "",
                      absl::string_view more_headers = "");

  /// Sends bytes as they are.
  void Send(absl::string_view bytes);
  /// Reads one response; gives up when nothing arrives for `patience_ms`.
  ClientResponse Receive(int patience_ms = 5000);
  /// Closes the connection.
  void Close() { socket_.close(); }

 private:
  std::string Fill(int patience_ms);  // Reads more into buffer_; returns ClientResponse::error.
  std::string Take(size_t bytes, int patience_ms, std::string& error);
  std::string TakeLine(int patience_ms, std::string& error);
  void ReceiveChunks(int patience_ms, ClientResponse& response);

  boost::asio::io_context context_;
  boost::asio::ip::tcp::socket socket_;
  std::string buffer_;
};

}  // namespace dspex::mock_llm
