#pragma once

#include <absl/strings/string_view.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/mock_llm/types.h"

namespace dspex::mock_llm {

/// Who closed a connection.
enum class ClosedBy { kPeer, kSelf };

/// What the server saw: requests, connections and their ends, within bounds. Not thread-safe: all calls come from the
/// server's one thread.
class Recorder {
 public:
  /// With `keep_requests` false requests are counted, not kept.
  explicit Recorder(bool keep_requests) : keep_requests_(keep_requests) {}

  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// A connection was accepted; returns its id, from 1.
  int64_t Open();
  /// A connection turned out to be one that controls the server: as if it had never been.
  void Forget(int64_t connection);
  /// A connection ended. Without effect if forgotten or closed before.
  void Close(int64_t connection, ClosedBy by);

  /// The sequence number the next request will have.
  int64_t next_sequence() const { return next_sequence_; }
  /// A whole request was received.
  void Begin(int64_t connection, std::string method, std::string target, Headers headers, std::string body);
  /// The connection's request was answered in full.
  void Answered(int64_t connection);

  /// A stream began (1) or ended (-1) to wait for a release.
  void Hold(int64_t change);

  /// The answers of /_mock/requests and /_mock/connections.
  nlohmann::ordered_json Requests(int64_t from) const;
  nlohmann::ordered_json Connections() const;

  /// Waits for an event of README.md; true when reached, false after `timeout`.
  boost::asio::awaitable<bool> Wait(absl::string_view event, int64_t count, std::chrono::milliseconds timeout);
  /// Ends all waits as if their time was up.
  void EndWaits();
  /// The count behind an event; nullopt if there is no such event.
  std::optional<int64_t> Value(absl::string_view event) const;

  /// Counts and sequence numbers from 0, no records but the open connections'. Nothing may be in flight.
  void Reset();

 private:
  using Time = std::chrono::steady_clock::time_point;

  struct Request {
    int64_t connection = 0;
    Time time;
    std::string method;
    std::string target;
    Headers headers;
    std::string body;
    absl::string_view outcome = "in_flight";
    std::optional<Time> ended;
  };

  struct Connection {
    Time opened;
    std::optional<Time> closed;
    ClosedBy closed_by = ClosedBy::kPeer;
    int64_t requests = 0;
    std::optional<int64_t> in_flight;  // The sequence number of the request that is not answered yet.
    Time in_flight_since;
  };

  struct Waiter {
    absl::string_view event;
    int64_t count;
    boost::asio::steady_timer timer;
    bool reached = false;
  };

  static nlohmann::ordered_json ToJson(int64_t id, const Connection& connection);

  void EndRequest(Connection& connection, absl::string_view outcome);
  bool Reached(absl::string_view event, int64_t count) const;
  void WakeWaiters();

  const bool keep_requests_;
  std::deque<Request> requests_;  // The last ones, up to next_sequence_.
  size_t body_bytes_ = 0;         // In requests_.
  std::map<int64_t, Connection> open_;
  std::map<int64_t, Connection> closed_;
  std::vector<Waiter*> waiters_;
  int64_t next_connection_ = 1;
  int64_t next_sequence_ = 0;
  int64_t opened_count_ = 0;
  int64_t closed_count_ = 0;
  int64_t answered_count_ = 0;
  int64_t in_flight_ = 0;
  int64_t held_ = 0;
};

}  // namespace dspex::mock_llm
