#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/mock_llm/clock.h"
#include "tests/mock_llm/recorder.h"
#include "tests/mock_llm/script.h"

namespace dspex::mock_llm {

class Session;

struct Options {
  uint16_t port = 0;        ///< 0: any free one.
  Milliseconds latency{0};  ///< Of rules that name none.
  std::string script;       ///< JSON as in PUT /_mock/script; empty: none.
  bool record = true;       ///< Keep requests to be read over /_mock/requests.
};

/// A mock language model server on 127.0.0.1; README.md describes it. It lives on an io_context that one thread runs;
/// nothing in it is thread-safe. After Stop() its work ends and with it that run; only then may it be destroyed.
class Server {
 public:
  /// Listens; answers once the io_context runs. INVALID_ARGUMENT for a bad script, UNAVAILABLE if the port is taken.
  static absl::StatusOr<std::unique_ptr<Server>> Start(boost::asio::io_context& context, const Options& options);

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Closes all connections and listens no more.
  void Stop();

  /// The port it listens on.
  uint16_t port() const { return acceptor_.local_endpoint().port(); }

  // For sessions and the control interface.
  Script& script() { return script_; }
  Recorder& recorder() { return recorder_; }
  Clock& clock() { return clock_; }
  std::vector<char>& read_buffer() { return read_buffer_; }
  absl::Status SetScript(absl::string_view text);
  void Reset();
  /// Lets all streams go on that a script holds; returns how many.
  int64_t Release();
  void Add(Session* session) { sessions_.insert(session); }
  void Remove(Session* session) { sessions_.erase(session); }

 private:
  Server(boost::asio::io_context& context, const Options& options, Script script);

  boost::asio::awaitable<void> Accept();
  boost::asio::awaitable<void> CloseStalled();
  std::vector<std::shared_ptr<Session>> Sessions() const;

  const Options options_;
  Script script_;
  Recorder recorder_;
  Clock clock_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer accept_timer_;
  boost::asio::steady_timer sweep_timer_;
  std::vector<char> read_buffer_;  // What a read fills before its session takes it; shared, as reads do not suspend.
  absl::flat_hash_set<Session*> sessions_;
};

}  // namespace dspex::mock_llm
