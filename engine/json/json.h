#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace dspex {

/// Field values. Keeps the order of keys.
using Json = nlohmann::ordered_json;

/// Bounds on a JSON text that someone else wrote.
struct JsonLimits {
  std::size_t max_bytes = std::size_t{16} << 20;
  int max_depth = 100;
  /// Values of any kind, keys not counted.
  std::size_t max_values = 1'000'000;
};

/// Reads one JSON text (RFC 8259) in linear time, with recursion bounded by `max_depth`. The only way untrusted JSON
/// comes in.
///
/// Of duplicate keys the last value wins and keeps the place of the first, as Python's json does. Integers that fit 64
/// bits are integers; others, and what has a fraction or exponent, are doubles; a number beyond doubles is an error.
/// Errors are INVALID_ARGUMENT / INVALID_JSON with metadata `position` (the byte's offset).
absl::StatusOr<Json> ParseJson(absl::string_view text, const JsonLimits& limits = {});

}  // namespace dspex
