#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <optional>
#include <vector>

namespace dspex {

// How a text of reasoning shows where its steps begin.

/// The mark at the beginning of a step.
struct ReasoningMark {
  enum class Kind { kStepWord, kNumber, kBullet };
  Kind kind = Kind::kNumber;
  /// 0 for bullets.
  int number = 0;
  /// Where the mark begins (with its "**" or "##", but not its indentation) and where it ends.
  std::size_t begin = 0;
  std::size_t end = 0;
  /// Columns before it on its line.
  std::size_t indent = 0;
  /// Whether "**" or "__" stand before it, which end somewhere in the step.
  bool is_emphasised = false;
};

/// The mark of the line from `begin` to `end`, if it has one.
std::optional<ReasoningMark> MarkOfLine(absl::string_view text, std::size_t begin, std::size_t end);

/// Marks within lines that count from 1 up: "Step 1: ... Step 2: ...", "1. ... 2. ...", "(1) ... (2) ...", each at the
/// beginning or behind the end of a sentence or clause. Empty if there are fewer than two.
std::vector<ReasoningMark> CountingMarks(absl::string_view text);

/// Where the sentences of `text` begin (white space skipped). Known abbreviations, initials, decimals and what a
/// lower-case letter follows end none; a blank line does.
std::vector<std::size_t> SentenceStarts(absl::string_view text);

/// Whether a sentence that begins at `position` leads on to the next thought: first, then, next, therefore, finally,
/// ...
bool StartsWithConnective(absl::string_view text, std::size_t position);

/// Whether it begins with a word that concludes: therefore, thus, finally, ...
bool StartsWithConclusion(absl::string_view text, std::size_t position);

}  // namespace dspex
