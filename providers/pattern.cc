#include "providers/pattern.h"

#include <cstddef>
#include <utility>

namespace dspex {

// Linear in the name for each '*' of the pattern: after the last '*' that matched, one restart suffices.
bool MatchesPattern(absl::string_view pattern, absl::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = absl::string_view::npos;
  std::size_t resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != absl::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == absl::string_view::npos;
}

bool IsMoreSpecific(absl::string_view a, absl::string_view b) {
  return std::make_pair(a.size(), a) > std::make_pair(b.size(), b);
}

}  // namespace dspex
