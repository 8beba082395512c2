#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/task.h"
#include "providers/http/response.h"

namespace dspex::http {

/// Bounds on the time of one exchange. The context's deadline holds beside them.
struct Timeouts {
  /// To a usable connection: name look-up, TCP, TLS.
  Clock::duration connect = std::chrono::seconds(10);
  /// From the request sent to the first byte of the response.
  Clock::duration first_byte = std::chrono::seconds(120);
  /// Between bytes.
  Clock::duration idle = std::chrono::seconds(60);
  /// Of all of it, the wait for a connection excluded.
  Clock::duration total = std::chrono::seconds(300);
};

struct ClientOptions {
  /// "https://api.example.com/v1": the server, and what the paths of requests begin with.
  std::string base_url;
  /// "dspex/1.2.3".
  std::string user_agent = "dspex";
  /// Connections at most.
  int max_connections = 256;
  Timeouts timeouts;
  /// A file of PEM certificates to trust in place of the system's.
  std::string ca_file;
  /// Of a response's body.
  std::uint64_t max_response_bytes = std::uint64_t{32} << 20;
};

/// What a client's connections do at a moment.
struct PoolStats {
  int idle = 0;
  /// Also those being opened.
  int in_use = 0;
  /// Requests that wait for a connection.
  int waiting = 0;
  /// Connections opened since the start.
  std::int64_t opened = 0;
};

/// Takes the body of an event stream (text/event-stream) piece by piece, as it comes. Called on the executor of the
/// request.
class EventStreamReader {
 public:
  virtual ~EventStreamReader() = default;

  /// A response of status 200 with such a body has begun. Not called for others, whose bodies are part of the Response.
  virtual void Begin(const Headers& headers) = 0;

  /// Nothing more is read from the server before the piece is taken, and the time-out between bytes does not run. An
  /// error ends the exchange with that error and closes the connection.
  virtual StatusTask Take(std::string piece) = 0;

  /// Whether all that matters has come: the exchange then waits for the body's end only for a moment.
  virtual bool complete() const = 0;
};

/// An HTTP/1.1 client of one server. Its kept-alive connections are shared by all executors, bounded in number, and
/// given out in order of arrival; one of the caller's own executor is preferred.
///
/// Thread-safe. Requests run on the caller's executor, which must be single-threaded or a strand. Must outlive the
/// requests in flight, and be destroyed before the io_contexts that they ran on.
class Client {
 public:
  /// INVALID_ARGUMENT if the URL or the certificate file is not usable.
  static absl::StatusOr<std::unique_ptr<Client>> Create(const ClientOptions& options);
  virtual ~Client() = default;

  /// The constant start of every POST to `path` (below the base URL), made once. `headers` are fields in addition to
  /// Host, User-Agent and Content-Type (JSON). INVALID_ARGUMENT if one of them holds a line break or the like.
  virtual absl::StatusOr<std::string> PostHead(
      absl::string_view path, const std::vector<std::pair<std::string, std::string>>& headers) const = 0;

  /// Sends `head` (of PostHead) and the concatenation of `body`, and reads the response, whatever its status; redirects
  /// are not followed. A request on a kept-alive connection that turns out to be dead before any byte of a response is
  /// sent once more on a fresh one. With `events`, an event stream goes there. The arguments must outlive the task.
  ///
  /// UNAVAILABLE / PROVIDER_UNREACHABLE: no connection, or it broke. DEADLINE_EXCEEDED / PROVIDER_TIMEOUT (metadata:
  /// phase), or DEADLINE_EXCEEDED (metadata: where) if it was the context's deadline. INTERNAL /
  /// PROVIDER_MALFORMED_RESPONSE: not HTTP, or too large. CANCELLED: the coroutine was cancelled; the socket is closed.
  virtual Task<Response> Post(RequestContext context, absl::string_view head, absl::Span<const absl::string_view> body,
                              EventStreamReader* events = nullptr) = 0;

  virtual PoolStats stats() const = 0;

  /// The base URL, normalised.
  virtual const std::string& base_url() const = 0;

  /// Closes the idle connections, on their executors, and keeps none from now on. Until then an idle connection is work
  /// for its io_context, whose run() does not return.
  virtual void Close() = 0;
};

}  // namespace dspex::http
