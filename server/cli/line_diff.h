#pragma once

#include <absl/strings/string_view.h>

#include <string>
#include <vector>

namespace dspex::cli {

/// A line of a difference.
struct DiffLine {
  enum class Kind { kSame, kRemoved, kAdded };
  Kind kind = Kind::kSame;
  std::string text;
};

/// How `after` differs from `before`, line by line, by their longest common subsequence. Of texts with more than 2,000
/// lines only what is the same at both ends is found.
std::vector<DiffLine> DiffLines(absl::string_view before, absl::string_view after);

}  // namespace dspex::cli
