#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <chrono>
#include <optional>
#include <string>

#include "providers/http/response.h"

namespace dspex::wire {

/// Whom an error is about.
struct ErrorSource {
  absl::string_view provider;
  absl::string_view model;
  /// Cut out of whatever the provider says. Empty if none is configured.
  absl::string_view api_key;
};

/// What the body of a failed request says; empty where it does not.
struct ErrorBody {
  std::string message;
  /// A word for programs, in OpenAI's vocabulary ("context_length_exceeded"); where there is none, the error's type.
  std::string code;
};

/// How a dialect writes it. `body` is consumed.
using DecodeError = ErrorBody (*)(std::string body);

/// The typed error that a response other than a success with JSON stands for; OK for one that may be decoded.
absl::Status CheckResponse(const http::Response& response, const ErrorSource& source, DecodeError decode);

/// The typed error of what a provider says with an HTTP status, `http_status`, or, within a stream that had begun well,
/// with the one that its words stand for. A refusal (429) has the limits that its headers name (lm::TakeRateLimits).
absl::Status ErrorOf(int http_status, const ErrorBody& body, const http::Headers& headers, const ErrorSource& source);

/// `status` with the metadata provider, model and, where the provider gave one, provider_request_id.
absl::Status WithSource(absl::Status status, const ErrorSource& source, absl::string_view provider_request_id);

/// How long the provider asks to wait: retry-after-ms, or retry-after in seconds or as a date.
std::optional<std::chrono::milliseconds> RetryDelay(const http::Headers& headers, absl::Time now);

/// The provider's own id of the request; empty if it is none that may be shown.
absl::string_view RequestId(const http::Headers& headers, absl::string_view api_key);

/// A message of the provider's, fit to be shown: keys masked, one line, at most a few hundred bytes.
std::string ForDisplay(absl::string_view message, absl::string_view api_key);

}  // namespace dspex::wire
