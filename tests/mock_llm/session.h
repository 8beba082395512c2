#pragma once

#include <absl/strings/string_view.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/mock_llm/answer.h"
#include "tests/mock_llm/recorder.h"

namespace dspex::mock_llm {

class Server;

/// One accepted connection: reads requests one after another and answers each as the script or the control interface
/// says. Lives as long as its coroutine or an operation of its own does.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(boost::asio::ip::tcp::socket socket, Server& server);
  ~Session();

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Serves the connection until it ends.
  boost::asio::awaitable<void> Run();

  /// Closes the connection now; what waits on it ends. Without effect on a closed one.
  void Close(ClosedBy by);

  /// Lets its stream go on; returns whether it waited for that.
  bool Release();

  /// A request has been received from it and is not answered yet.
  bool in_flight() const { return in_flight_; }
  /// When the client's part of an exchange (sending a request, taking a response) has taken too long.
  std::chrono::steady_clock::time_point stalled_at() const { return stalled_at_; }

 private:
  struct HttpRequest;

  boost::asio::awaitable<bool> Read(HttpRequest& request);
  boost::asio::awaitable<size_t> ReadSome();
  boost::asio::awaitable<void> Control(HttpRequest& request);
  boost::asio::awaitable<void> AnswerModel(HttpRequest& request);
  boost::asio::awaitable<void> Deliver(const Answer& answer, int64_t sequence, bool keep_alive);
  boost::asio::awaitable<void> DeliverBody(const Answer& answer, std::string head);
  boost::asio::awaitable<void> DeliverStream(const Answer& answer, std::string head);
  boost::asio::awaitable<void> BreakOff(const Answer& answer);
  boost::asio::awaitable<void> Drip(absl::string_view body, Milliseconds interval);
  boost::asio::awaitable<void> DripStream(const EventStream& stream, size_t from, Milliseconds interval);
  boost::asio::awaitable<bool> WriteAll(std::vector<std::string> writes);
  boost::asio::awaitable<bool> Hold();
  boost::asio::awaitable<bool> Write(absl::string_view bytes);
  boost::asio::awaitable<bool> PauseFor(Milliseconds time);
  boost::asio::awaitable<bool> Pause(std::chrono::steady_clock::time_point until);
  void WatchForClose();
  void Reset();

  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
  Server& server_;
  int64_t id_ = 0;
  bool in_flight_ = false;
  bool held_ = false;
  std::chrono::steady_clock::time_point stalled_at_ = std::chrono::steady_clock::time_point::max();
  std::string unread_;  // Bytes received beyond the requests read so far.
};

}  // namespace dspex::mock_llm
