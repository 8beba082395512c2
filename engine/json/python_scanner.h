#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>

namespace dspex {

/// Steps over what stands between the tokens of one Python expression: blanks, comments, and lines where brackets are
/// open (`depth` above 0).
class PythonScanner {
 protected:
  explicit PythonScanner(absl::string_view text) : text_(text) {}

  /// Blank lines, then a line that is not indented; blanks at the very start do not count.
  bool SkipToStart();
  /// Nothing but blank lines and comments may follow.
  bool SkipToEnd();
  void SkipSpace(int depth);
  /// Whether the character comes next; it is then taken.
  bool Take(char c, int depth);
  /// Whether the line has nothing more but a comment.
  bool AtLineEnd() const;

  absl::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace dspex
