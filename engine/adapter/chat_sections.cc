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
}  // namespace

void AppendMarker(std::string& out, absl::string_view name) { absl::StrAppend(&out, kOpen, name, kClose); }

void ChatSections::FindMarker(std::size_t from) {
  line_ = absl::string_view::npos;
  if (text_.empty()) return;
  while (const void* found = memmem(text_.data() + from, text_.size() - from, kOpen.data(), kOpen.size())) {
    const std::size_t open = static_cast<std::size_t>(static_cast<const char*>(found) - text_.data());
    const std::size_t name = open + kOpen.size();
    const std::size_t name_length = python_text::LeadingWord(text_.substr(name));
    from = name + name_length;
    if (name_length == 0 || !absl::StartsWith(text_.substr(from), kClose)) continue;
    const std::size_t end = from + kClose.size();
    const absl::string_view before = text_.substr(0, open);
    const std::size_t blanks = python_text::TrailingBlanks(before);
    const absl::string_view lines_before = before.substr(0, open - blanks);
    if (!lines_before.empty() && !python_text::EndsWithLineBreak(lines_before)) continue;
    line_ = open - blanks;
    name_ = text_.substr(name, name_length);
    // DSPy takes the marker's length off the line as it stands, indented or not, so of an indented marker its last
    // characters stay. Programs are compiled under that rule.
    content_ = blanks == 0 ? end
                           : line_ + python_text::PrefixLength(text_.substr(line_),
                                                               python_text::Length(text_.substr(open, end - open)));
    return;
  }
}

std::optional<ChatSections::Section> ChatSections::Next() {
  if (line_ == absl::string_view::npos) return std::nullopt;
  Section section;
  section.name = name_;
  const std::size_t content = content_;
  FindMarker(static_cast<std::size_t>(name_.data() + name_.size() - text_.data()));
  section.content = text_.substr(content, line_ == absl::string_view::npos ? absl::string_view::npos : line_ - content);
  return section;
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
