#pragma once

#include <array>
#include <string>

#include "engine/json/repair/repair_text.h"
#include "engine/json/repair/repaired_string.h"

namespace dspex {

/// What was found by a look-ahead for some targets: good for later ones that begin between `begin` and `match`.
struct KnownMatch {
  Targets targets = 0;
  Position begin = 0;
  Position match = kNowhere;

  static constexpr Position kNowhere = -1;
};

/// A string that is being read.
struct StringState {
  char32_t left = U'"';
  char32_t right = U'"';
  /// No quote began the string.
  bool lacks_quotes = false;
  /// It began with two quotes and ends with two.
  bool has_doubled_quotes = false;
  /// The content has a quote whose other half is still to come.
  bool has_unmatched_quote = false;
  /// Low quotes (U+201E) within the content that wait for their closing ones.
  std::size_t low_quotes = 0;
  /// The next container belongs to the content.
  bool expects_container = false;
  /// Open containers that belong to the content.
  std::string containers;
  /// Nothing that could begin a member follows: every comma belongs to the content.
  bool goes_to_the_end = false;
  RepairedString content;
  /// One for each set of targets that a string looks for.
  std::array<KnownMatch, 6> known_matches;

  /// The quote that would end the span being read; NUL within low quotes.
  char32_t ActiveQuote() const { return low_quotes > 0 ? U'\0' : right; }
  bool EndsWithBackslash() const { return content.last() == U'\\'; }
};

}  // namespace dspex
