#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/lm/delta.h"
#include "engine/lm/language_model.h"
#include "providers/http/client.h"
#include "providers/wire/errors.h"
#include "providers/wire/sse.h"

namespace dspex::wire {

/// Makes a response of the events of one stream.
class StreamDecoder {
 public:
  virtual ~StreamDecoder() = default;

  /// Takes an event and appends what it adds to the completion. Errors: what the provider says within the stream, or
  /// PROVIDER_MALFORMED_RESPONSE.
  virtual absl::Status Put(const SseEvent& event, std::vector<lm::Delta>& deltas) = 0;

  /// Whether the completion's end was told of: what the stream says behind it is good to have, but may be missing.
  virtual bool finished() const = 0;

  /// Whether nothing more is to come.
  virtual bool complete() const = 0;

  /// The response so far.
  virtual lm::Response Take() = 0;
};

/// What a provider's API makes of the bytes of responses.
struct Dialect {
  DecodeError decode_error;
  /// Reads the body of a success, which is consumed.
  absl::StatusOr<lm::Response> (*decode)(std::string body);
  /// `source` outlives the decoder; `headers` are copied.
  std::unique_ptr<StreamDecoder> (*new_stream_decoder)(const ErrorSource& source, const http::Headers& headers);
};

/// Sends a request (`head` and `body` as for http::Client::Post) and reads the response, or its typed error. With a
/// sink for deltas in the context, `body` asks for a stream; a server that answers with the whole nevertheless is
/// understood, and so is a stream without its end mark. A stream that ends before the completion does is UNAVAILABLE /
/// PROVIDER_UNREACHABLE. The arguments outlive the task.
Task<lm::Response> Exchange(http::Client& client, RequestContext context, absl::string_view head,
                            absl::Span<const absl::string_view> body, const Dialect& dialect,
                            const ErrorSource& source);

}  // namespace dspex::wire
