#include "engine/module/reasoning_marks.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace dspex {

namespace {

// Larger ones are years and quantities.
constexpr int kMaxDigits = 3;
constexpr absl::string_view kBullets[] = {"-", "*", "+", "\u2022", "\u2023", "\u25AA", "\u25E6", "\u2013", "\u2014"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }
bool IsWordByte(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || (c & 0x80) != 0 || c == '_'; }

std::size_t SkipSpaces(absl::string_view text, std::size_t position, std::size_t end) {
  while (position < end && (text[position] == ' ' || text[position] == '\t')) ++position;
  return position;
}

bool TakeWord(absl::string_view text, std::size_t& position, absl::string_view word) {
  if (!absl::StartsWithIgnoreCase(text.substr(position), word)) return false;
  position += word.size();
  return true;
}

// Reads digits; false if there are none or too many.
bool TakeNumber(absl::string_view text, std::size_t& position, int& number) {
  const std::size_t begin = position;
  number = 0;
  while (position < text.size() && IsDigit(text[position]) && position - begin <= kMaxDigits) {
    number = 10 * number + (text[position++] - '0');
  }
  return position > begin && position - begin <= kMaxDigits;
}

// Whether `position` is at the end of a word within [.., end): nothing, or white space, follows.
bool AtGap(absl::string_view text, std::size_t position, std::size_t end) {
  return position >= end || IsSpace(text[position]);
}

// "Step 3:", "step 3 -", "Step 3." and at a line's end "Step 3".
bool TakeStepWord(absl::string_view text, std::size_t& position, std::size_t end, int& number) {
  std::size_t at = position;
  if (!TakeWord(text, at, "step")) return false;
  const std::size_t digits = SkipSpaces(text, at, end);
  at = digits;
  if (!TakeNumber(text.substr(0, end), at, number)) return false;
  std::size_t mark = SkipSpaces(text, at, end);
  // "Step 3**: text"
  while (mark < end && (text[mark] == '*' || text[mark] == '_')) ++mark;
  for (const absl::string_view sign : {":", ".", ")", "-", "\u2013", "\u2014"}) {
    if (!absl::StartsWith(text.substr(0, end).substr(mark), sign)) continue;
    const bool needs_gap = sign != ":";
    if (needs_gap && !AtGap(text, mark + sign.size(), end) && text[mark + sign.size()] != '*') continue;
    position = mark + sign.size();
    return true;
  }
  if (mark < end) return false;
  position = mark;
  return true;
}

// "3.", "3)", "3:", "(3)", "3.)", before a gap.
bool TakeListNumber(absl::string_view text, std::size_t& position, std::size_t end, int& number) {
  std::size_t at = position;
  const bool in_brackets = at < end && text[at] == '(';
  if (in_brackets) ++at;
  if (!TakeNumber(text.substr(0, end), at, number)) return false;
  if (at >= end || (in_brackets ? text[at] != ')' : text[at] != '.' && text[at] != ')' && text[at] != ':'))
    return false;
  ++at;
  if (at < end && text[at - 1] == '.' && text[at] == ')') ++at;
  const bool emphasis_follows = absl::StartsWith(text.substr(0, end).substr(at), "**");
  if (!AtGap(text, at, end) && !emphasis_follows) return false;
  position = at;
  return true;
}

bool TakeBullet(absl::string_view text, std::size_t& position, std::size_t end) {
  for (const absl::string_view sign : kBullets) {
    if (absl::StartsWith(text.substr(0, end).substr(position), sign) && AtGap(text, position + sign.size(), end)) {
      position += sign.size();
      return true;
    }
  }
  return false;
}

// Whether a clause ended before `position`, so that a mark may stand there.
bool BehindClause(absl::string_view text, std::size_t position) {
  if (position == 0) return true;
  if (!IsSpace(text[position - 1])) return false;
  while (position > 0 && IsSpace(text[position - 1])) --position;
  if (position == 0) return true;
  const char before = text[position - 1];
  return absl::StrContains(".!?;:,)]\"*", absl::string_view(&before, 1)) || before == '\'' || (before & 0x80) != 0;
}

constexpr absl::string_view kAbbreviations[] = {"e.g", "i.e",  "etc",  "vs",   "mr",  "mrs", "ms",
                                                "dr",  "prof", "st",   "fig",  "eq",  "no",  "approx",
                                                "cf",  "al",   "resp", "incl", "sec", "vol"};

bool EndsWithAbbreviation(absl::string_view before) {
  std::size_t begin = before.size();
  while (begin > 0 && (IsWordByte(before[begin - 1]) || before[begin - 1] == '.')) --begin;
  const absl::string_view word = before.substr(begin);
  if (word.size() == 1) return absl::ascii_isupper(static_cast<unsigned char>(word[0]));  // An initial.
  for (const absl::string_view known : kAbbreviations) {
    if (absl::EqualsIgnoreCase(word, known)) return true;
  }
  return false;
}

// Behind a full stop at `position`, the position behind what closes with it; `position` itself if no sentence ends.
std::size_t SentenceEnd(absl::string_view text, std::size_t position) {
  std::size_t end = position;
  while (end < text.size() && absl::StrContains(".!?", text.substr(end, 1))) ++end;
  while (end < text.size() && absl::StrContains("\"')]*", text.substr(end, 1))) ++end;
  if (end < text.size() && !IsSpace(text[end])) return position;
  if (text[position] == '.' && EndsWithAbbreviation(text.substr(0, position))) return position;
  return end;
}

constexpr absl::string_view kConclusions[] = {
    "therefore",   "thus",          "hence",      "so",          "finally",     "lastly", "consequently",
    "accordingly", "in conclusion", "in summary", "to conclude", "as a result", "overall"};
constexpr absl::string_view kContinuations[] = {"first",        "firstly",  "to begin",   "to start",      "initially",
                                                "second",       "secondly", "third",      "thirdly",       "fourth",
                                                "fourthly",     "then",     "next",       "after that",    "afterwards",
                                                "subsequently", "now",      "from there", "following this"};

template <std::size_t size>
bool StartsWithOneOf(absl::string_view text, std::size_t position, const absl::string_view (&phrases)[size]) {
  const char first = absl::ascii_tolower(static_cast<unsigned char>(text[position]));
  return std::any_of(std::begin(phrases), std::end(phrases), [&](absl::string_view phrase) {
    std::size_t at = position;
    return phrase[0] == first && TakeWord(text, at, phrase) && (at == text.size() || !IsWordByte(text[at]));
  });
}

}  // namespace

std::optional<ReasoningMark> MarkOfLine(absl::string_view text, std::size_t begin, std::size_t end) {
  ReasoningMark mark;
  std::size_t position = SkipSpaces(text, begin, end);
  mark.indent = position - begin;
  mark.begin = position;
  while (position < end && text[position] == '#') ++position;
  if (position > mark.begin) position = SkipSpaces(text, position, end);
  const absl::string_view rest = text.substr(position, end - position);
  if (absl::StartsWith(rest, "**") || absl::StartsWith(rest, "__")) {
    mark.is_emphasised = true;
    position += 2;
  }
  if (TakeStepWord(text, position, end, mark.number)) {
    mark.kind = ReasoningMark::Kind::kStepWord;
  } else if (TakeListNumber(text, position, end, mark.number)) {
    mark.kind = ReasoningMark::Kind::kNumber;
  } else if (!mark.is_emphasised && position == mark.begin && TakeBullet(text, position, end)) {
    mark.kind = ReasoningMark::Kind::kBullet;
    mark.number = 0;
  } else {
    return std::nullopt;
  }
  mark.end = position;
  // "**Step 1**: text" has closed what it opened.
  if (mark.is_emphasised &&
      absl::StrContains(text.substr(mark.begin + 2, mark.end - mark.begin - 2), rest.substr(0, 2))) {
    mark.is_emphasised = false;
  }
  return mark;
}

std::vector<ReasoningMark> CountingMarks(absl::string_view text) {
  std::vector<ReasoningMark> marks;
  bool by_word = false;
  for (std::size_t position = 0; position < text.size(); ++position) {
    const char c = text[position];
    if (c != 's' && c != 'S' && c != '(' && !IsDigit(c)) continue;
    if (!BehindClause(text, position)) continue;
    ReasoningMark mark;
    mark.begin = position;
    std::size_t end = position;
    if (TakeStepWord(text, end, text.size(), mark.number)) {
      mark.kind = ReasoningMark::Kind::kStepWord;
    } else if (!TakeListNumber(text, end, text.size(), mark.number)) {
      continue;
    }
    // Only what counts on, in the form of the first one, is a mark.
    const bool is_word = mark.kind == ReasoningMark::Kind::kStepWord;
    if (marks.empty()) by_word = is_word;
    if (is_word != by_word || mark.number != static_cast<int>(marks.size()) + 1) continue;
    mark.end = end;
    marks.push_back(mark);
    position = end - 1;
  }
  if (marks.size() < 2) marks.clear();
  return marks;
}

std::vector<std::size_t> SentenceStarts(absl::string_view text) {
  std::vector<std::size_t> starts;
  bool is_between = true;  // Behind a sentence, before the next.
  for (std::size_t position = 0; position < text.size(); ++position) {
    const char c = text[position];
    if (is_between && !IsSpace(c)) {
      // A lower-case letter goes on with the sentence before.
      if (starts.empty() || !absl::ascii_islower(static_cast<unsigned char>(c)) || text[position - 1] == '\n') {
        starts.push_back(position);
      }
      is_between = false;
    }
    if (c == '\n') {
      const std::size_t next = SkipSpaces(text, position + 1, text.size());
      if (next < text.size() && (text[next] == '\n' || text[next] == '\r')) is_between = true;
      continue;
    }
    if (c == '.' || c == '!' || c == '?') {
      const std::size_t end = SentenceEnd(text, position);
      if (end > position) {
        is_between = true;
        position = end - 1;
      } else {
        // A run of stops is looked at once.
        while (position + 1 < text.size() && absl::StrContains(".!?", text.substr(position + 1, 1))) ++position;
      }
    } else if (c == '\xE3' && text.substr(position, 3) == "\u3002") {  // The ideographic full stop needs no gap.
      is_between = true;
      position += 2;
    }
  }
  return starts;
}

bool StartsWithConclusion(absl::string_view text, std::size_t position) {
  return StartsWithOneOf(text, position, kConclusions);
}

bool StartsWithConnective(absl::string_view text, std::size_t position) {
  return StartsWithConclusion(text, position) || StartsWithOneOf(text, position, kContinuations);
}

}  // namespace dspex
