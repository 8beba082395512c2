#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <string>

namespace dspex::http {

/// The parts of a base URL, "https://api.openai.com/v1".
struct Url {
  bool tls = false;
  /// A name or an address; an IPv6 address without its brackets.
  std::string host;
  std::uint16_t port = 0;
  /// Begins with "/" and does not end with one, or is empty.
  std::string path;

  /// What a Host header says: the port only where it is not the scheme's own.
  std::string authority() const;
  /// "https://api.openai.com/v1".
  std::string ToString() const;
};

/// Reads an absolute http or https URL without user, query or fragment. INVALID_ARGUMENT / INVALID_REQUEST says what is
/// wrong with it.
absl::StatusOr<Url> ParseUrl(absl::string_view text);

}  // namespace dspex::http
