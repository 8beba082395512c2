#include "tests/mock_llm/test_client.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include <poll.h>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

namespace dspex::mock_llm {

namespace asio = boost::asio;

TestClient::TestClient(uint16_t port) : socket_(context_) { socket_.connect({asio::ip::address_v4::loopback(), port}); }

ClientResponse TestClient::Call(absl::string_view method, absl::string_view target, absl::string_view body,
                                absl::string_view more_headers) {
  Send(absl::StrCat(method, " ", target, " HTTP/1.1\r\nHost: mock\r\nContent-Length: ", body.size(), "\r\n",
                    more_headers, "\r\n", body));
  return Receive();
}

void TestClient::Send(absl::string_view bytes) { asio::write(socket_, asio::buffer(bytes.data(), bytes.size())); }

std::string TestClient::Fill(int patience_ms) {
  pollfd waiting{socket_.native_handle(), POLLIN, 0};
  if (poll(&waiting, 1, patience_ms) == 0) return "timeout";
  std::array<char, 65536> bytes;
  boost::system::error_code error;
  const size_t size = socket_.read_some(asio::buffer(bytes), error);
  if (error == asio::error::eof) return "eof";
  if (error) return "reset";
  buffer_.append(bytes.data(), size);
  return "";
}

ClientResponse TestClient::Receive(int patience_ms) {
  ClientResponse response;
  size_t head_end;
  while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    response.error = Fill(patience_ms);
    if (!response.error.empty()) return response;
  }
  for (absl::string_view line : absl::StrSplit(absl::string_view(buffer_).substr(0, head_end), "\r\n")) {
    if (response.status == 0) {
      if (!absl::SimpleAtoi(line.substr(9, 3), &response.status)) response.status = -1;
      continue;
    }
    response.headers.insert(absl::StrSplit(line, absl::MaxSplits(": ", 1)));
  }
  buffer_.erase(0, head_end + 4);
  size_t length = 0;
  if (!absl::SimpleAtoi(response.headers["content-length"], &length)) response.error = "no content-length";
  while (buffer_.size() < length && response.error.empty()) response.error = Fill(patience_ms);
  response.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return response;
}

}  // namespace dspex::mock_llm
