// What follows a place in a string: members, keys, comments.

#include "engine/json/repair/characters.h"
#include "engine/json/repair/repairer.h"
#include "engine/json/utf8.h"

namespace dspex {

namespace {

// The quote that closes what `quote` opens.
char32_t ClosingQuote(char32_t quote) { return quote == U'\u201C' ? U'\u201D' : quote; }

bool IsBareKeyCharacter(char32_t code) {
  return code != kNoChar && (IsPythonAlnum(code) || code == U'_' || code == U'-');
}

}  // namespace

// As NextUnescaped, but what was found from an earlier place counts even if it began within backslashes.
Position Repairer::CachedNext(StringState& state, Targets targets, Position position) {
  KnownMatch* place = nullptr;
  for (KnownMatch& known : state.known_matches) {
    if (known.targets == targets || known.targets == 0) {
      place = &known;
      break;
    }
  }
  if (place != nullptr && place->targets == targets && place->begin <= position) {
    if (place->match == KnownMatch::kNowhere) return text_.size();
    if (position <= place->match) return place->match;
  }
  const Position match = text_.NextUnescaped(targets, position);
  if (place == nullptr) return match;
  if (text_.At(match) == kNoChar) {
    *place = {targets, position, KnownMatch::kNowhere};
  } else if (match == 0 || text_.At(match - 1) != U'\\') {
    *place = {targets, position, match};
  }
  return match;
}

bool Repairer::IsSpaceUntil(Position end) {
  const Position next = text_.NextNonSpace(index_ + 1);
  return next >= end || text_.At(next) == kNoChar;
}

Position Repairer::SkipBareKey(Position position) {
  while (IsBareKeyCharacter(text_.At(position)) && text_.Spend(1)) ++position;
  return position;
}

bool Repairer::IsBareKeyBeforeColon(Position position) {
  const char32_t first = text_.At(position);
  if (first == U'-' || !IsBareKeyCharacter(first)) return false;
  return text_.At(text_.NextNonSpace(SkipBareKey(position))) == U':';
}

Position Repairer::SkipSpaceAndCommentsFrom(Position position) {
  while (text_.Spend(1)) {
    position = text_.NextNonSpace(position);
    const char32_t next = text_.At(position + 1);
    if (text_.At(position) == U'#' || (text_.At(position) == U'/' && next == U'/')) {
      char32_t code = text_.At(position);
      while (code != kNoChar && code != U'\n' && code != U'\r' && text_.Spend(1)) code = text_.At(++position);
    } else if (text_.At(position) == U'/' && next == U'*') {
      position += 2;
      while (text_.At(position) != U'*' || text_.At(position + 1) != U'/') {
        if (text_.At(position) == kNoChar || !text_.Spend(1)) return position;
        ++position;
      }
      position += 2;
    } else {
      return position;
    }
  }
  return position;
}

bool Repairer::MemberBegins(Position position) {
  const char32_t first = text_.At(position);
  if (!IsQuote(first)) return IsBareKeyBeforeColon(position);
  const char32_t closing = ClosingQuote(first);
  const Position end = text_.NextUnescaped(TargetOf(closing), position + 1);
  return text_.At(end) == closing && text_.At(text_.NextNonSpace(end + 1)) == U':';
}

bool Repairer::MemberFollowsQuote(Position quote) {
  const Position comma = text_.NextNonSpace(quote + 1);
  return text_.At(comma) == U',' && MemberBegins(SkipSpaceAndCommentsFrom(comma + 1));
}

// At a comma within a value: whether the next member follows it, a container that belongs to the string, or text.
Repairer::Comma Repairer::ClassifyComma(StringState& state) {
  const auto key_ends_at = [this](Position end) {
    return text_.At(end) != kNoChar && text_.At(text_.NextNonSpace(end + 1)) == U':' ? Comma::kMember : Comma::kString;
  };
  const Position next = text_.NextNonSpace(index_ + 1);
  const char32_t code = text_.At(next);
  if (code == U'}' || code == kNoChar) return Comma::kMember;
  if (IsQuote(code)) return key_ends_at(text_.NextUnescaped(TargetOf(code), next + 1));
  if (code == U'`') {
    return text_.At(text_.NextNonSpace(SkipBareKey(next + 1))) == U':' ? Comma::kMember : Comma::kString;
  }
  if (code != U'-' && IsBareKeyCharacter(code)) {
    const Position colon = text_.NextNonSpace(SkipBareKey(next));
    if (text_.At(colon) == U':' && HasBareMemberValue(state, colon + 1)) return Comma::kMember;
  }
  if (code == U'{' || code == U'[') return Comma::kContainer;
  const Position special = CachedNext(state, kQuotes | kOpeningBrace | kOpeningBracket, next);
  const char32_t found = text_.At(special);
  if (found == kNoChar) return Comma::kStringToTheEnd;
  if (!IsQuote(found)) return Comma::kString;
  return key_ends_at(CachedNext(state, TargetOf(found), special + 1));
}

// Whether what stands behind a key without quotes and its colon looks like a value rather than prose.
bool Repairer::HasBareMemberValue(StringState& state, Position position) {
  const Position begin = text_.NextNonSpace(position);
  const char32_t first = text_.At(begin);
  if (IsQuote(first) || first == U'{' || first == U'[' || first == U'-') return true;
  if (first != kNoChar && IsPythonDigit(first)) return true;
  for (const absl::string_view word : {"true", "false", "null"}) {
    if (!text_.HasWord(begin, word, false)) continue;
    const char32_t next = text_.At(begin + static_cast<Position>(word.size()));
    if (next == kNoChar || IsPythonSpace(next) || next == U',' || next == U'}' || next == U']') return true;
  }
  // Other text only if the object closes before a string could.
  return text_.At(CachedNext(state, kQuotes | kClosingBrace, begin)) == U'}';
}

}  // namespace dspex
