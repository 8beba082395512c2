#pragma once

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/mutex.h"
#include "engine/base/task.h"

// What tests of the HTTP client share: a server on loopback that does exactly what a test wants, threads with an
// io_context each, as the server has them, and requests that can be awaited and cancelled from the test's thread.
namespace dspex::http {

using std::chrono::milliseconds;
using tcp = asio::ip::tcp;

/// One connection as its server sees it. Blocking; errors read as the end of the stream.
class PeerConnection {
 public:
  explicit PeerConnection(tcp::socket socket) : socket_(std::move(socket)) {}

  /// The next request with its body; empty at the end of the stream.
  std::string ReadRequest() {
    boost::system::error_code ec;
    const std::size_t header = asio::read_until(socket_, asio::dynamic_buffer(buffer_), "\r\n\r\n", ec);
    if (ec) return "";
    const std::size_t at = buffer_.find("Content-Length: ");
    const std::size_t size = header + (at < header ? std::stoul(buffer_.substr(at + 16)) : 0);
    if (buffer_.size() < size)
      asio::read(socket_, asio::dynamic_buffer(buffer_), asio::transfer_exactly(size - buffer_.size()), ec);
    if (ec) return "";
    std::string request = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return request;
  }
  void Write(const std::string& bytes) {
    boost::system::error_code ec;
    asio::write(socket_, asio::buffer(bytes), ec);
  }
  void Answer(const std::string& body, const std::string& headers = "") {
    Write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body);
  }
  /// Returns when the client has closed the connection.
  void AwaitEnd() {
    boost::system::error_code ec;
    char byte = 0;
    while (!ec) socket_.read_some(asio::buffer(&byte, 1), ec);
  }
  /// Ends the connection by a reset instead of the end of the stream.
  void Reset() {
    MutexLock lock(&closing_);
    boost::system::error_code ec;
    socket_.set_option(asio::socket_base::linger(true, 0), ec);
    socket_.close(ec);
  }
  /// Ends the connection; from any thread.
  void Shutdown() {
    MutexLock lock(&closing_);
    if (socket_.is_open()) ::shutdown(socket_.native_handle(), SHUT_RDWR);
  }
  tcp::socket& socket() { return socket_; }

 private:
  tcp::socket socket_;
  Mutex closing_;
  std::string buffer_;
};

/// Accepts connections and runs `serve(connection, index)` for each on a thread of its own.
class Peer {
 public:
  using Serve = std::function<void(PeerConnection& connection, int index)>;

  explicit Peer(Serve serve) : serve_(std::move(serve)), acceptor_(context_, {asio::ip::make_address("127.0.0.1"), 0}) {
    accepting_ = std::thread([this] { Accept(); });
  }
  ~Peer() {
    boost::system::error_code ec;
    stopping_ = true;
    tcp::socket knock(context_);
    knock.connect(acceptor_.local_endpoint(), ec);
    accepting_.join();
    for (const auto& connection : connections_) connection->Shutdown();
    for (std::thread& thread : threads_) thread.join();
  }

  int port() const { return acceptor_.local_endpoint().port(); }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port()) + "/v1"; }
  int accepted() const { return accepted_; }

 private:
  void Accept() {
    for (;;) {
      boost::system::error_code ec;
      tcp::socket socket = acceptor_.accept(ec);
      if (stopping_) return;
      if (ec) continue;
      connections_.push_back(std::make_shared<PeerConnection>(std::move(socket)));
      threads_.emplace_back([this, connection = connections_.back(), index = accepted_++] {
        serve_(*connection, index);
        connection->Shutdown();
      });
    }
  }

  const Serve serve_;
  asio::io_context context_;
  tcp::acceptor acceptor_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> accepted_{0};
  std::vector<std::shared_ptr<PeerConnection>> connections_;
  std::vector<std::thread> threads_;
  std::thread accepting_;
};

/// Threads that run an io_context each.
class IoThreads {
 public:
  explicit IoThreads(int count) {
    for (int i = 0; i < count; ++i) {
      contexts_.push_back(std::make_unique<asio::io_context>(1));
      threads_.emplace_back([context = contexts_.back().get()] {
        const auto work = asio::make_work_guard(*context);
        context->run();
      });
    }
  }
  ~IoThreads() { Stop(); }
  void Stop() {
    for (const auto& context : contexts_) context->stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  asio::any_io_executor executor(int i) { return contexts_[static_cast<std::size_t>(i)]->get_executor(); }

 private:
  std::vector<std::unique_ptr<asio::io_context>> contexts_;
  std::vector<std::thread> threads_;
};

/// A task on an executor, with a record of its own.
template <typename T>
class Running {
 public:
  Running(asio::any_io_executor executor, TimePoint deadline, std::function<Task<T>(RequestContext)> body)
      : state_(std::make_shared<State>(executor)) {
    asio::post(executor, [state = state_, deadline, body = std::move(body)] {
      asio::co_spawn(state->executor, Run(state, deadline, body),
                     asio::bind_cancellation_slot(
                         state->cancel.slot(), [state](const std::exception_ptr& exception, absl::StatusOr<T> result) {
                           if (exception) result = absl::UnknownError("exception");
                           state->result.set_value(std::move(result));
                         }));
    });
  }
  void Cancel() {
    asio::post(state_->executor, [state = state_] { state->cancel.emit(asio::cancellation_type::terminal); });
  }
  bool done() const { return state_->future.wait_for(milliseconds(0)) == std::future_status::ready; }
  absl::StatusOr<T> Get() {
    if (state_->future.wait_for(std::chrono::seconds(20)) != std::future_status::ready) {
      return absl::InternalError("still running after 20 s");
    }
    return state_->future.get();
  }
  /// Valid once it has ended.
  const RequestRecord& record() const { return state_->record; }

 private:
  struct State {
    explicit State(asio::any_io_executor executor) : executor(std::move(executor)), future(result.get_future()) {}
    asio::any_io_executor executor;
    asio::cancellation_signal cancel;
    RequestRecord record;
    std::promise<absl::StatusOr<T>> result;
    std::future<absl::StatusOr<T>> future;
  };
  static Task<T> Run(std::shared_ptr<State> state, TimePoint deadline, std::function<Task<T>(RequestContext)> body) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_return co_await body(RequestContext(state->record, deadline));
  }
  std::shared_ptr<State> state_;
};

/// Waits until `condition` holds; false after 10 s.
inline bool Eventually(const std::function<bool()>& condition) {
  const TimePoint limit = Clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (Clock::now() > limit) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

}  // namespace dspex::http
