#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <string>

#include "engine/json/json.h"

namespace dspex {

/// Reads JSON as Python's json does: what RFC 8259 has, and NaN, Infinity, -Infinity; numbers beyond doubles are
/// infinite. Recursion is bounded by the limits.
class PythonJsonReader {
 public:
  enum class Outcome {
    kRead,
    kMalformed,
    /// An integer of more than 4300 digits, which Python refuses to convert.
    kLongInteger,
    /// A limit was passed.
    kLimit,
  };

  /// `text` must be valid UTF-8 and outlive the reader.
  PythonJsonReader(absl::string_view text, const JsonLimits& limits) : text_(text), limits_(limits) {}

  /// Reads the whole text, with white space around it.
  Outcome ReadText(Json& value);

  /// Reads the value that the text begins with, whatever follows it.
  Outcome ReadPrefix(Json& value);

  /// Reads the whole text as what follows the opening brace of an object.
  Outcome ReadMembersAndBrace(Json& value);

  /// Where reading stopped, a byte's offset.
  std::size_t position() const { return position_; }

 private:
  bool Fail(Outcome outcome);
  Outcome Finish(bool is_read);
  bool Read(int depth, Json& value);
  bool ReadObject(int depth, Json& value);
  bool ReadArray(int depth, Json& value);
  bool ReadString(std::string& value);
  bool ReadEscape(std::string& value);
  bool ReadHex(char32_t& code);
  bool ReadNumber(Json& value);
  void SkipDigits();
  void SkipSpace();
  bool Take(absl::string_view word);

  absl::string_view text_;
  const JsonLimits& limits_;
  std::size_t position_ = 0;
  std::size_t count_ = 0;
  Outcome failure_ = Outcome::kMalformed;
};

/// What Python's int and float make of a number's text, which must be one of theirs. Integers beyond 64 bits become
/// doubles.
Json PythonInteger(absl::string_view digits);
Json PythonFloat(absl::string_view digits);

/// Whether Python's int refuses an integer because it has too many digits; a sign is not counted.
bool IsLongInteger(absl::string_view digits);

}  // namespace dspex
