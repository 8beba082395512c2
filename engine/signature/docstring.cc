#include "engine/signature/docstring.h"

#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "engine/json/utf8.h"

namespace dspex {

namespace {

// Characters, not bytes, are what Python counts; an invalid byte counts as one.
std::size_t CharacterSize(absl::string_view text, std::size_t position) {
  return std::max<std::size_t>(DecodeUtf8(text, position).size, 1);
}

std::string ExpandTabs(absl::string_view text) {
  constexpr std::size_t kTab = 8;
  std::string out;
  out.reserve(text.size());
  std::size_t column = 0;
  for (std::size_t position = 0; position < text.size();) {
    const std::size_t size = CharacterSize(text, position);
    const char c = text[position];
    if (c == '\t') {
      const std::size_t spaces = kTab - column % kTab;
      out.append(spaces, ' ');
      column += spaces;
    } else {
      out.append(text.data() + position, size);
      column = c == '\n' || c == '\r' ? 0 : column + 1;
    }
    position += size;
  }
  return out;
}

struct Indent {
  std::size_t characters = 0;
  std::size_t bytes = 0;
};

Indent MeasureIndent(absl::string_view line) {
  Indent indent;
  while (indent.bytes < line.size()) {
    const Utf8Char c = DecodeUtf8(line, indent.bytes);
    if (c.size == 0 || !IsPythonSpace(c.code)) break;
    indent.bytes += c.size;
    ++indent.characters;
  }
  return indent;
}

absl::string_view DropCharacters(absl::string_view line, std::size_t count) {
  std::size_t position = 0;
  while (count-- > 0 && position < line.size()) position += CharacterSize(line, position);
  return line.substr(position);
}

}  // namespace

std::string CleanDocstring(absl::string_view text) {
  const std::string expanded = ExpandTabs(text);
  std::vector<absl::string_view> lines = absl::StrSplit(expanded, '\n');
  std::size_t margin = std::numeric_limits<std::size_t>::max();
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const Indent indent = MeasureIndent(lines[i]);
    if (indent.bytes < lines[i].size()) margin = std::min(margin, indent.characters);
  }
  lines[0].remove_prefix(MeasureIndent(lines[0]).bytes);
  if (margin != std::numeric_limits<std::size_t>::max()) {
    for (std::size_t i = 1; i < lines.size(); ++i) lines[i] = DropCharacters(lines[i], margin);
  }
  const auto not_empty = [](absl::string_view line) { return !line.empty(); };
  lines.erase(std::find_if(lines.rbegin(), lines.rend(), not_empty).base(), lines.end());
  lines.erase(lines.begin(), std::find_if(lines.begin(), lines.end(), not_empty));
  return absl::StrJoin(lines, "\n");
}

}  // namespace dspex
