#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace google::rpc {
class Status;
}

namespace dspex {

/// The `domain` of every ErrorInfo that dspex makes.
inline constexpr absl::string_view kErrorDomain = "dspex";

/// Builds a typed error: an absl::Status that carries google.rpc details as payloads.
///
/// The message is one sentence on what happened and one on what to do. The reason is an UPPER_SNAKE_CASE constant of
/// engine/base/reasons.h; metadata holds the facts a program would act on (names, positions, limits), never a prompt, a
/// completion or a secret.
///
///     return Error(absl::StatusCode::kNotFound, reason::kProgramNotFound, "...").With("program", name);
class Error {
 public:
  Error(absl::StatusCode code, absl::string_view reason, absl::string_view message);

  /// Adds a fact to ErrorInfo.metadata.
  Error& With(absl::string_view key, absl::string_view value) &;
  Error&& With(absl::string_view key, absl::string_view value) &&;
  Error& With(absl::string_view key, long long value) &;
  Error&& With(absl::string_view key, long long value) &&;

  /// Adds a RetryInfo: the caller may try again after `delay`.
  Error& RetryAfter(std::chrono::milliseconds delay) &;
  Error&& RetryAfter(std::chrono::milliseconds delay) &&;

  /// Adds a BadRequest violation. `field` is the path within the request, "program.modules[0].predict.signature".
  Error&& Violation(absl::string_view field, absl::string_view description) &&;

  /// The status. An Error converts silently so that it can be returned from functions of Status or StatusOr.
  operator absl::Status() const;  // NOLINT(google-explicit-constructor)
  template <typename T>
  operator absl::StatusOr<T>() const {  // NOLINT(google-explicit-constructor)
    return static_cast<absl::Status>(*this);
  }

 private:
  absl::StatusCode code_;
  std::string reason_;
  std::string message_;
  std::vector<std::pair<std::string, std::string>> metadata_;
  std::vector<std::pair<std::string, std::string>> violations_;
  std::optional<std::chrono::milliseconds> retry_after_;
};

/// The reason of the status's ErrorInfo; empty if it has none.
std::string ErrorReason(const absl::Status& status);

/// The value of a metadata key of the status's ErrorInfo; empty if it has none.
std::string ErrorMetadata(const absl::Status& status, absl::string_view key);

/// When the status's RetryInfo says that the caller may try again; nothing if it has none.
std::optional<std::chrono::milliseconds> ErrorRetryDelay(const absl::Status& status);

/// `status` with one more fact in its ErrorInfo. Without an ErrorInfo it stays as it is.
absl::Status WithMetadata(absl::Status status, absl::string_view key, absl::string_view value);

/// `status` with the paths of its BadRequest violations below `prefix`: "signature" -> "modules[0].signature". An
/// INVALID_ARGUMENT without violations becomes one of `prefix` itself.
absl::Status WithFieldPrefix(absl::Status status, absl::string_view prefix);

/// The status as google.rpc.Status, all payloads as details. What grpc-status-details-bin carries.
google::rpc::Status ToRpcStatus(const absl::Status& status);

}  // namespace dspex
