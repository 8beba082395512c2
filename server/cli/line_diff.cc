#include "server/cli/line_diff.h"

#include <absl/strings/str_split.h>

#include <algorithm>
#include <cstddef>

namespace dspex::cli {

namespace {

constexpr std::size_t kMaxLines = 2000;

using Lines = std::vector<absl::string_view>;

void Add(std::vector<DiffLine>& diff, DiffLine::Kind kind, absl::string_view text) {
  diff.push_back({kind, std::string(text)});
}

/// lengths[i][j]: of the longest common subsequence of what follows i and j.
std::vector<std::vector<unsigned>> CommonLengths(const Lines& before, const Lines& after) {
  std::vector<std::vector<unsigned>> lengths(before.size() + 1, std::vector<unsigned>(after.size() + 1));
  for (std::size_t i = before.size(); i-- > 0;) {
    for (std::size_t j = after.size(); j-- > 0;) {
      lengths[i][j] =
          before[i] == after[j] ? lengths[i + 1][j + 1] + 1 : std::max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  return lengths;
}

void DiffMiddle(const Lines& before, const Lines& after, std::vector<DiffLine>& diff) {
  std::size_t i = 0;
  std::size_t j = 0;
  if (before.size() <= kMaxLines && after.size() <= kMaxLines) {
    const auto lengths = CommonLengths(before, after);
    while (i < before.size() && j < after.size()) {
      if (before[i] == after[j]) {
        Add(diff, DiffLine::Kind::kSame, before[i]);
        ++i;
        ++j;
      } else if (lengths[i + 1][j] >= lengths[i][j + 1]) {
        Add(diff, DiffLine::Kind::kRemoved, before[i++]);
      } else {
        Add(diff, DiffLine::Kind::kAdded, after[j++]);
      }
    }
  }
  while (i < before.size()) Add(diff, DiffLine::Kind::kRemoved, before[i++]);
  while (j < after.size()) Add(diff, DiffLine::Kind::kAdded, after[j++]);
}

}  // namespace

std::vector<DiffLine> DiffLines(absl::string_view before, absl::string_view after) {
  Lines a = absl::StrSplit(before, '\n');
  Lines b = absl::StrSplit(after, '\n');
  std::vector<DiffLine> diff;
  const std::size_t shorter = std::min(a.size(), b.size());
  std::size_t head = 0;
  while (head < shorter && a[head] == b[head]) Add(diff, DiffLine::Kind::kSame, a[head++]);
  std::size_t tail = 0;
  while (tail < shorter - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
  const auto middle = [&](const Lines& lines) {
    return Lines(lines.begin() + static_cast<std::ptrdiff_t>(head), lines.end() - static_cast<std::ptrdiff_t>(tail));
  };
  DiffMiddle(middle(a), middle(b), diff);
  for (std::size_t i = a.size() - tail; i < a.size(); ++i) Add(diff, DiffLine::Kind::kSame, a[i]);
  return diff;
}

}  // namespace dspex::cli
