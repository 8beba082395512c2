#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <re2/re2.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace dspex {

/// A pattern of Lua's string library, as a regular expression that takes linear time. What Lua has beyond regular
/// expressions (%1, %b, %f) is refused. Immutable and thread-safe.
class Pattern {
 public:
  /// Lua's largest number of captures.
  static constexpr int kMaxCaptures = 32;
  /// The longest pattern, in bytes.
  static constexpr std::size_t kMaxBytes = 1000;

  struct Capture {
    /// () captures a position, not a text.
    bool is_position = false;
  };

  /// INVALID_ARGUMENT says what is wrong with it. Without `anchors` a leading ^ is a character like others, as in
  /// gmatch.
  static absl::StatusOr<Pattern> Compile(absl::string_view pattern, bool anchors);

  /// Finds the first match in `text`. `parts` has room for 1 + captures().size(): the match, then its captures.
  bool Find(absl::string_view text, re2::StringPiece* parts) const;

  const std::vector<Capture>& captures() const { return captures_; }
  bool anchored() const { return anchored_; }
  /// Of the machine that the expression is: the time of Find grows with it.
  int size() const { return expression_->ProgramSize(); }

 private:
  std::vector<Capture> captures_;
  bool anchored_ = false;
  std::shared_ptr<const RE2> expression_;
};

}  // namespace dspex
