// Containers and code fences that stand within a string and belong to its content.

#include <string>

#include "engine/json/repair/characters.h"
#include "engine/json/repair/repairer.h"
#include "engine/json/utf8.h"

namespace dspex {

namespace {

// The character that closes a container; 0 if `code` opens none.
char32_t ClosingOf(char32_t code) {
  if (code == U'[') return U']';
  if (code == U'{') return U'}';
  return code == U'(' ? U')' : 0;
}

}  // namespace

// Behind the container that opens at `position`. None if it does not close.
std::optional<Position> Repairer::SkipInlineContainer(Position position) {
  std::u32string closings(1, ClosingOf(text_.At(position)));
  for (++position; text_.Spend(1); ++position) {
    const char32_t code = text_.At(position);
    if (code == kNoChar) return std::nullopt;
    if (IsQuote(code)) {
      const char32_t closing = code == U'\u201C' ? U'\u201D' : code;
      position = text_.NextUnescaped(TargetOf(closing), position + 1);
      if (text_.At(position) != closing) return std::nullopt;
    } else if (ClosingOf(code) != 0 && BeginsNestedContainer(position)) {
      closings.push_back(ClosingOf(code));
    } else if (code == closings.back()) {
      closings.pop_back();
      if (closings.empty()) return position + 1;
    }
  }
  return std::nullopt;
}

// Whether a bracket within an inline container is where a value would be and has something like one behind it.
bool Repairer::BeginsNestedContainer(Position position) {
  Position before = position - 1;
  while (before >= index_ && IsPythonSpace(text_.At(before)) && text_.Spend(1)) --before;
  if (before < index_) return true;
  const char32_t previous = text_.At(before);
  if (ClosingOf(previous) != 0) return true;
  if (previous != U',' && previous != U':') return false;
  const Position inner = text_.NextNonSpace(position + 1);
  const char32_t code = text_.At(inner);
  if (text_.At(position) == U'{') {
    return code == U'}' || IsQuote(code) || (previous == U':' && IsBareKeyBeforeColon(inner));
  }
  return code == U']' || code == U')' || IsQuote(code) || code == U'-' || ClosingOf(code) != 0 || code == U't' ||
         code == U'f' || code == U'n' || (code != kNoChar && IsPythonDigit(code));
}

// At a brace before a code fence: false if the fence ends what is around the JSON, true if the string goes on behind
// it.
bool Repairer::BraceBeforeFenceIsContent(StringState& state, Position fence) {
  Position begin = fence + 3;
  bool keeps_container = false;
  const Position next = SkipSpaceAndCommentsFrom(begin);
  if (ClosingOf(text_.At(next)) != 0) {
    if (const std::optional<Position> end = SkipInlineContainer(next); end.has_value()) {
      if (MemberFollowsContainer(*end)) return false;
      keeps_container = true;
      begin = *end;
    }
  }
  const Targets quote = TargetOf(state.right);
  Position end = text_.NextUnescaped(quote, begin);
  while (text_.At(end) == state.right && text_.Spend(4)) {
    const char32_t after = text_.At(text_.NextNonSpace(end + 1));
    if (after == U',' || after == U'}' || after == U']' || after == kNoChar) {
      if (keeps_container) state.expects_container = true;
      return true;
    }
    end = text_.NextUnescaped(quote, end + 1);
  }
  return false;
}

// Whether the object that closed before the fence has ended, or goes on with a member.
bool Repairer::MemberFollowsContainer(Position end) {
  const Position after = text_.NextNonSpace(end);
  const char32_t code = text_.At(after);
  if (code == U'}' || code == kNoChar) return true;
  if (code != U',') return false;
  const Position next = SkipSpaceAndCommentsFrom(after + 1);
  return text_.At(next) == U'}' || text_.At(next) == kNoChar || MemberBegins(next);
}

}  // namespace dspex
