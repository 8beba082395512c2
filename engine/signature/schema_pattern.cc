#include "engine/signature/schema_pattern.h"

#include <absl/strings/str_cat.h>
#include <re2/re2.h>

#include <string>

namespace dspex {

namespace {

constexpr std::size_t kMaxPatternBytes = 4096;
constexpr std::int64_t kMaxProgramBytes = std::int64_t{1} << 20;

// What stands for a class of Unicode's within brackets; empty for what is none.
absl::string_view ClassItems(char letter) {
  switch (letter) {
    case 'd':
      return "\\p{Nd}";
    case 's':
      return "\\x{9}-\\x{D}\\x{20}\\x{85}\\p{Z}";
    case 'w':
      return "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{200C}\\x{200D}";
    default:
      return "";
  }
}

// Inside of brackets the complement of a class of several items cannot be written: it stays RE2's.
std::string WithUnicodeClasses(absl::string_view pattern) {
  std::string out;
  bool in_brackets = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char letter = pattern[++i];
      const absl::string_view items = ClassItems(static_cast<char>(letter | 0x20));
      const bool negated = letter == 'D' || letter == 'S' || letter == 'W';
      if (items.empty() || (!negated && (letter & 0x20) == 0) || (negated && in_brackets && letter != 'D')) {
        out.append({c, letter});
      } else if (negated) {
        in_brackets ? absl::StrAppend(&out, "\\P{Nd}") : absl::StrAppend(&out, "[^", items, "]");
      } else {
        in_brackets ? absl::StrAppend(&out, items) : absl::StrAppend(&out, "[", items, "]");
      }
      continue;
    }
    if (c == '[') {
      in_brackets = true;
      // "[]a]" and "[^]a]" have the bracket as a member.
      out.push_back(c);
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') out.push_back(pattern[++i]);
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') out.push_back(pattern[++i]);
      continue;
    }
    if (c == ']') in_brackets = false;
    out.push_back(c);
  }
  return out;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const re2::RE2>> CompileSchemaPattern(absl::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    return absl::InvalidArgumentError(absl::StrCat("it is longer than ", kMaxPatternBytes, " bytes"));
  }
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(kMaxProgramBytes);
  auto compiled = std::make_shared<re2::RE2>(WithUnicodeClasses(pattern), options);
  if (!compiled->ok()) return absl::InvalidArgumentError(compiled->error());
  return std::shared_ptr<const re2::RE2>(std::move(compiled));
}

}  // namespace dspex
