#include "engine/adapter/chat_sections.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstring>

#include "engine/adapter/python_text.h"

namespace dspex {

namespace {
constexpr absl::string_view kOpen = "[[ ## ";
constexpr absl::string_view kClose = " ## ]]";
// No field has a longer name; what a model writes instead is not waited for.
constexpr std::size_t kMaxUndecidedName = 256;
}  // namespace

void AppendMarker(std::string& out, absl::string_view name) { absl::StrAppend(&out, kOpen, name, kClose); }

bool FindSectionMarker(absl::string_view text, std::size_t from, SectionMarker& marker) {
  if (text.empty()) return false;
  while (const void* found = memmem(text.data() + from, text.size() - from, kOpen.data(), kOpen.size())) {
    const std::size_t open = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    const std::size_t name = open + kOpen.size();
    const std::size_t name_length = python_text::LeadingWord(text.substr(name));
    from = name + name_length;
    if (name_length == 0 || !absl::StartsWith(text.substr(from), kClose)) continue;
    const std::size_t end = from + kClose.size();
    const absl::string_view before = text.substr(0, open);
    const std::size_t blanks = python_text::TrailingBlanks(before);
    const absl::string_view lines_before = before.substr(0, open - blanks);
    if (!lines_before.empty() && !python_text::EndsWithLineBreak(lines_before)) continue;
    marker = {.name = text.substr(name, name_length), .line = open - blanks, .content = end, .end = from};
    // DSPy takes the marker's length off the line as it stands, indented or not, so of an indented marker its last
    // characters stay. Programs are compiled under that rule.
    if (blanks > 0) {
      marker.content = marker.line + python_text::PrefixLength(text.substr(marker.line),
                                                               python_text::Length(text.substr(open, end - open)));
    }
    return true;
  }
  return false;
}

std::size_t UndecidedMarker(absl::string_view text, std::size_t from) {
  const absl::string_view rest = text.substr(from);
  if (const std::size_t open = rest.rfind(kOpen); open != absl::string_view::npos) {
    const absl::string_view name = rest.substr(open + kOpen.size());
    const std::size_t length = python_text::LeadingWord(name);
    if (length <= kMaxUndecidedName && absl::StartsWith(kClose, name.substr(length))) return from + open;
  }
  for (std::size_t size = std::min(kOpen.size() - 1, rest.size()); size > 0; --size) {
    if (absl::EndsWith(rest, kOpen.substr(0, size))) return text.size() - size;
  }
  return text.size();
}

std::optional<ChatSections::Section> ChatSections::Next() {
  if (!has_next_) return std::nullopt;
  const absl::string_view name = next_.name;
  const std::size_t content = next_.content;
  has_next_ = FindSectionMarker(text_, next_.end, next_);
  const std::size_t end = has_next_ ? next_.line : text_.size();
  return Section{.name = name, .content = text_.substr(content, end - content)};
}

std::string SectionText(absl::string_view content) {
  const absl::string_view stripped = python_text::Strip(content);
  std::string text = python_text::NormalizeLines(stripped);
  // What stands on the marker's line loses the white space at its end; other lines keep theirs.
  const absl::string_view before = content.substr(0, static_cast<std::size_t>(stripped.data() - content.data()));
  if (python_text::TrailingBlanks(before) == before.size()) {
    const std::size_t line_end = std::min(text.find('\n'), text.size());
    const std::size_t kept = python_text::StripRight(absl::string_view(text).substr(0, line_end)).size();
    text.erase(kept, line_end - kept);
  }
  return text;
}

}  // namespace dspex
