#pragma once

#include <absl/strings/string_view.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/json/repair/position_set.h"

namespace dspex {

/// A place in a RepairText, in characters. May be beyond the end; below zero it counts from the end, as in Python.
using Position = std::ptrdiff_t;

/// What RepairText::At gives where there is no character.
inline constexpr char32_t kNoChar = 0xFFFFFFFF;

/// The characters that a repair looks ahead for; a set of them is the union of its bits.
using Targets = unsigned;
inline constexpr Targets kDoubleQuote = 1u << 0;
inline constexpr Targets kSingleQuote = 1u << 1;
inline constexpr Targets kOpeningQuote = 1u << 2;  // U+201C
inline constexpr Targets kClosingQuote = 1u << 3;  // U+201D
inline constexpr Targets kBackquote = 1u << 4;
inline constexpr Targets kColon = 1u << 5;
inline constexpr Targets kOpeningBrace = 1u << 6;
inline constexpr Targets kClosingBrace = 1u << 7;
inline constexpr Targets kOpeningBracket = 1u << 8;
inline constexpr Targets kClosingBracket = 1u << 9;
inline constexpr std::size_t kTargetCount = 10;
inline constexpr Targets kQuotes = kDoubleQuote | kSingleQuote | kOpeningQuote | kClosingQuote;

/// The target that a character is; none of them: 0.
Targets TargetOf(char32_t code);

/// Whether a character opens strings: the straight quotes and the curly double ones.
bool IsQuote(char32_t code);

/// The characters in UTF-8.
std::string EncodeUtf8(std::u32string_view characters);

/// A text under repair: its characters, look-aheads that do not walk, and a bound on the walking that remains. Once
/// the bound is passed the text is empty, so that whoever reads it comes to an end.
class RepairText {
 public:
  /// `text` must be valid UTF-8.
  explicit RepairText(absl::string_view text);

  Position size() const { return size_; }

  char32_t At(Position position) const {
    if (position < 0) position += size_;
    return position >= 0 && position < size_ ? characters_[static_cast<std::size_t>(position)] : kNoChar;
  }

  /// The characters of [begin, end), as far as they exist.
  std::u32string_view Slice(Position begin, Position end) const;

  /// Whether `word`, in lower case, stands at `position`.
  bool HasWord(Position position, absl::string_view word, bool ignores_case) const;

  /// The first position from `position` on that has no white space: the size if there is none, and `position` itself
  /// beyond the end.
  Position NextNonSpace(Position position);

  /// The first target from `position` on that no backslash escapes, of those not before `position`. The size if there
  /// is none.
  Position NextUnescaped(Targets targets, Position position);

  /// Whether an even number of `quote` stand from `position`, which has one, to the next closing bracket.
  bool IsEvenUntilBracket(Targets quote, Position position);

  /// Replaces characters from `begin` on. What was looked up behind them stays right.
  void Overwrite(Position begin, std::u32string_view characters);

  /// Takes account of `steps` characters looked at. False, and the text is empty from now on, if these are too many.
  bool Spend(Position steps) {
    if (steps <= budget_) [[likely]] {
      budget_ -= steps;
      return true;
    }
    budget_ = 0;
    is_exhausted_ = true;
    Clear();
    return false;
  }
  bool is_exhausted() const { return is_exhausted_; }

  /// Makes the text empty: ends all reading.
  void Clear() { size_ = 0; }

 private:
  struct Run {
    Position begin = -1;
    Position end = -1;
  };
  struct QuoteParity {
    Targets quote = 0;
    Position position = -1;
    Position end = -1;
    bool is_even = false;
  };

  bool IsSpaceAt(Position position) const;
  void IndexTargets();
  void Reindex(Position begin, Position end);
  Position Next(Targets targets, Position position) const;

  std::u32string characters_;
  Position size_ = 0;
  Position budget_ = 0;
  bool is_exhausted_ = false;
  // The unescaped ones of each target; empty until the first look-ahead.
  std::vector<PositionSet> targets_;
  // White space that was walked over, by a hash of its begin.
  std::array<Run, 64> spaces_;
  QuoteParity parity_;
};

}  // namespace dspex
