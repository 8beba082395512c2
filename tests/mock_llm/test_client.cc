#include "tests/mock_llm/test_client.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include <poll.h>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace dspex::mock_llm {

namespace asio = boost::asio;

namespace {

std::string Header(const ClientResponse& response, const std::string& name) {
  const auto found = response.headers.find(name);
  return found == response.headers.end() ? "" : found->second;
}

}  // namespace

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
  while (response.status == 0) {
    const std::string line = TakeLine(patience_ms, response.error);
    if (!response.error.empty()) return response;
    if (!absl::SimpleAtoi(line.substr(9, 3), &response.status)) response.status = -1;
  }
  for (std::string line; !(line = TakeLine(patience_ms, response.error)).empty();) {
    response.headers.insert(absl::StrSplit(line, absl::MaxSplits(": ", 1)));
  }
  if (!response.error.empty()) return response;
  size_t length = 0;
  if (absl::SimpleAtoi(Header(response, "content-length"), &length)) {
    response.body = Take(length, patience_ms, response.error);
  } else if (Header(response, "transfer-encoding") == "chunked") {
    ReceiveChunks(patience_ms, response);
  } else {
    while ((response.error = Fill(patience_ms)).empty()) continue;
    response.body = std::exchange(buffer_, "");
    if (response.error == "eof") response.error = "";
  }
  return response;
}

// So many bytes, or those that came before an error.
std::string TestClient::Take(size_t bytes, int patience_ms, std::string& error) {
  while (buffer_.size() < bytes && error.empty()) error = Fill(patience_ms);
  const std::string taken = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return taken;
}

std::string TestClient::TakeLine(int patience_ms, std::string& error) {
  size_t end;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    error = Fill(patience_ms);
    if (!error.empty()) return "";
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return line;
}

void TestClient::ReceiveChunks(int patience_ms, ClientResponse& response) {
  while (response.error.empty()) {
    size_t size = 0;
    const std::string line = TakeLine(patience_ms, response.error);
    if (!response.error.empty()) return;
    if (!absl::SimpleHexAtoi(line, &size)) response.error = "no chunk";
    std::string chunk = Take(size, patience_ms, response.error);
    response.body += chunk;
    if (size > 0) response.chunks.push_back(std::move(chunk));
    if (response.error.empty() && !TakeLine(patience_ms, response.error).empty()) response.error = "no end of chunk";
    if (size == 0) return;
  }
}

}  // namespace dspex::mock_llm
