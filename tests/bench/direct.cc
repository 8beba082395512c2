#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <grpcpp/support/status.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <thread>
#include <utility>

#include "tests/bench/streams.h"

namespace dspex::bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::steady_clock;

// The time that the provider writes into a piece of text of its own; empty while it has not come.
absl::string_view FindTime(absl::string_view body) {
  constexpr absl::string_view kContent = R"("content":")";
  for (size_t at = body.find(kContent); at != body.npos; at = body.find(kContent, at)) {
    at += kContent.size();
    if (at < body.size() && body[at] >= '0' && body[at] <= '9') return body.substr(at);
  }
  return {};
}

// Streams over kept-alive connections of one thread. Reads what comes, looks for the first piece and for the end.
class DirectClient {
 public:
  explicit DirectClient(uint16_t port)
      : endpoint_(asio::ip::address_v4::loopback(), port),
        work_(context_.get_executor()),
        thread_([this] { context_.run(); }) {}
  ~DirectClient() {
    context_.stop();
    thread_.join();
  }

  void Start(int64_t n, FirstPieces& pieces, std::function<void(const grpc::Status&)> done) {
    asio::co_spawn(context_, Stream(n, pieces, steady_clock::now()),
                   [done = std::move(done)](const std::exception_ptr& failed) {
                     done(failed ? grpc::Status(grpc::StatusCode::UNAVAILABLE, TextOf(failed)) : grpc::Status::OK);
                   });
  }

 private:
  static std::string TextOf(const std::exception_ptr& failed) {
    try {
      std::rethrow_exception(failed);
    } catch (const std::exception& error) {
      return error.what();
    }
  }

  static std::string Request(int64_t n) {
    const std::string body = absl::StrCat(
        R"({"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":")", Question(n), R"("}]})");
    return absl::StrCat("POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer bench\r\n",
                        "content-type: application/json\r\ncontent-length: ", body.size(), "\r\n\r\n", body);
  }

  asio::awaitable<void> Stream(int64_t n, FirstPieces& pieces, steady_clock::time_point begin) {
    std::unique_ptr<tcp::socket> socket;
    if (idle_.empty()) {
      socket = std::make_unique<tcp::socket>(context_);
      co_await socket->async_connect(endpoint_, asio::use_awaitable);
      socket->set_option(tcp::no_delay(true));
    } else {
      socket = std::move(idle_.back());
      idle_.pop_back();
    }
    const std::string request = Request(n);
    co_await asio::async_write(*socket, asio::buffer(request), asio::use_awaitable);
    std::string body;
    std::array<char, 16'384> buffer;
    bool stamped = false;
    while (!absl::EndsWith(body, "\r\n0\r\n\r\n")) {
      const size_t size = co_await socket->async_read_some(asio::buffer(buffer), asio::use_awaitable);
      body.append(buffer.data(), size);
      const absl::string_view time = stamped ? absl::string_view() : FindTime(body);
      if (!time.empty()) stamped = pieces.Note(n, begin, time);
    }
    if (!stamped) throw std::runtime_error("no time in the answer");
    idle_.push_back(std::move(socket));
  }

  asio::io_context context_{1};
  const tcp::endpoint endpoint_;
  std::vector<std::unique_ptr<tcp::socket>> idle_;  // Touched by the thread only.
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<StartRequest> DirectRequests(const std::string& target, FirstPieces& pieces) {
  uint32_t port = 0;
  if (!absl::SimpleAtoi(target.substr(target.find(':') + 1), &port)) {
    return absl::InvalidArgumentError(absl::StrCat(target, " is not 127.0.0.1:PORT."));
  }
  auto client = std::make_shared<DirectClient>(static_cast<uint16_t>(port));
  return StartRequest(
      [client = std::move(client), &pieces](int64_t n, auto done) { client->Start(n, pieces, std::move(done)); });
}

}  // namespace dspex::bench
