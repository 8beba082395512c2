#include "engine/json/repair/repair_text.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <bit>
#include <string>

#include "engine/json/utf8.h"

namespace dspex {

namespace {

// A text without tricks takes a few steps a character. The constant lets a short text be as tricky as it likes.
constexpr Position kStepsPerCharacter = 16;
constexpr Position kFreeSteps = 16'000'000;
// Shorter white space is as quickly walked over as found.
constexpr Position kLongRun = 16;

}  // namespace

Targets TargetOf(char32_t code) {
  switch (code) {
    case U'"':
      return kDoubleQuote;
    case U'\'':
      return kSingleQuote;
    case U'\u201C':
      return kOpeningQuote;
    case U'\u201D':
      return kClosingQuote;
    case U'`':
      return kBackquote;
    case U':':
      return kColon;
    case U'{':
      return kOpeningBrace;
    case U'}':
      return kClosingBrace;
    case U'[':
      return kOpeningBracket;
    case U']':
      return kClosingBracket;
    default:
      return 0;
  }
}

bool IsQuote(char32_t code) { return (TargetOf(code) & kQuotes) != 0; }

std::string EncodeUtf8(std::u32string_view characters) {
  std::string utf8;
  utf8.reserve(characters.size());
  for (const char32_t code : characters) AppendUtf8(utf8, code);
  return utf8;
}

RepairText::RepairText(absl::string_view text) {
  characters_.reserve(text.size());
  for (std::size_t position = 0; position < text.size();) {
    const Utf8Char character = DecodeUtf8(text, position);
    characters_.push_back(character.code);
    position += std::max<std::size_t>(character.size, 1);
  }
  size_ = static_cast<Position>(characters_.size());
  budget_ = kFreeSteps + kStepsPerCharacter * size_;
}

std::u32string_view RepairText::Slice(Position begin, Position end) const {
  begin = std::clamp<Position>(begin, 0, size_);
  end = std::clamp<Position>(end, begin, size_);
  return std::u32string_view(characters_)
      .substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
}

bool RepairText::HasWord(Position position, absl::string_view word, bool ignores_case) const {
  for (const char letter : word) {
    const char32_t code = At(position++);
    if (code >= 0x80) return false;
    const auto found = static_cast<char>(code);
    if ((ignores_case ? absl::ascii_tolower(static_cast<unsigned char>(found)) : found) != letter) return false;
  }
  return true;
}

bool RepairText::IsSpaceAt(Position position) const {
  return position < size_ && IsPythonSpace(characters_[static_cast<std::size_t>(position)]);
}

Position RepairText::NextNonSpace(Position position) {
  if (!IsSpaceAt(position)) return position;
  Run& known = spaces_[static_cast<std::size_t>(position) % spaces_.size()];
  if (known.begin == position && known.end <= size_) return known.end;
  Position end = position + 1;
  while (IsSpaceAt(end)) ++end;
  if (end - position > kLongRun) known = {position, end};
  return Spend(end - position) ? end : size_;
}

void RepairText::IndexTargets() {
  targets_.assign(kTargetCount, PositionSet(static_cast<std::size_t>(size_)));
  Reindex(0, size_);
}

// Notes the targets of [begin, end); no backslash stands before it.
void RepairText::Reindex(Position begin, Position end) {
  bool is_escaped = false;
  for (Position position = begin; position < end; ++position) {
    const char32_t code = characters_[static_cast<std::size_t>(position)];
    if (code == U'\\') {
      is_escaped = !is_escaped;
      continue;
    }
    const Targets target = TargetOf(code);
    if (target != 0 && !is_escaped) {
      targets_[static_cast<std::size_t>(std::countr_zero(target))].Insert(static_cast<std::size_t>(position));
    }
    is_escaped = false;
  }
}

Position RepairText::Next(Targets targets, Position position) const {
  std::size_t next = static_cast<std::size_t>(size_);
  for (; targets != 0; targets &= targets - 1) {
    const PositionSet& set = targets_[static_cast<std::size_t>(std::countr_zero(targets))];
    next = std::min(next, set.NextFrom(static_cast<std::size_t>(position)));
  }
  return static_cast<Position>(next);
}

Position RepairText::NextUnescaped(Targets targets, Position position) {
  if (position >= size_) return size_;
  if (targets_.empty()) IndexTargets();
  // A backslash before `position` does not count, so what follows a run that begins here is looked at apart.
  Position first = position;
  while (At(first) == U'\\') ++first;
  if (!Spend(first - position + 1)) return size_;
  const bool is_escaped = (first - position) % 2 != 0;
  if (!is_escaped && (TargetOf(At(first)) & targets) != 0) return first;
  return Next(targets, first + 1);
}

bool RepairText::IsEvenUntilBracket(Targets quote, Position position) {
  const Position end = NextUnescaped(kClosingBracket, position + 1);
  const bool is_known = parity_.quote == quote && parity_.end == end && parity_.position <= position;
  // Every quote changes the parity: to here from the one before that is known, or else from here to the end.
  const Position stop = is_known ? position + 1 : end;
  Position next = is_known ? parity_.position : position;
  bool is_even = is_known ? !parity_.is_even : true;
  while (next < stop && Spend(4)) {
    is_even = !is_even;
    next = NextUnescaped(quote, next + 1);
  }
  parity_ = {quote, position, end, is_even};
  return is_even;
}

void RepairText::Overwrite(Position begin, std::u32string_view characters) {
  if (begin < 0 || begin >= size_) return;
  const auto count = std::min(characters.size(), static_cast<std::size_t>(size_ - begin));
  // What follows backslashes at the end may change from escaped to not, or the other way.
  Position end = begin + static_cast<Position>(count);
  while (At(end) == U'\\') ++end;
  if (!Spend(end - begin + 1)) return;
  end = std::min(end + 1, size_);
  for (Position position = begin; position < end && !targets_.empty(); ++position) {
    const Targets target = TargetOf(At(position));
    if (target == 0) continue;
    targets_[static_cast<std::size_t>(std::countr_zero(target))].Erase(static_cast<std::size_t>(position));
  }
  characters_.replace(static_cast<std::size_t>(begin), count, characters.substr(0, count));
  if (!targets_.empty()) Reindex(begin, end);
  spaces_.fill({});
  parity_ = {};
}

}  // namespace dspex
