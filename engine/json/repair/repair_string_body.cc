// The body of a string, character by character: which quotes, commas, braces and brackets end it and which do not.

#include "engine/json/repair/characters.h"
#include "engine/json/repair/repairer.h"
#include "engine/json/utf8.h"

namespace dspex {

namespace {

bool OpensContainer(char32_t code) { return code == U'{' || code == U'[' || code == U'('; }

// Whether a brace or bracket closes a container that belongs to the content; keeps account of these.
bool ClosesInlineContainer(StringState& state, char32_t code) {
  if (code == U'{' || code == U'[') {
    if (state.expects_container || !state.containers.empty()) state.containers.push_back(static_cast<char>(code));
    state.expects_container = false;
    return false;
  }
  if (state.containers.empty()) return false;
  const char open = state.containers.back();
  if (!(code == U'}' && open == '{') && !(code == U']' && open == '[')) return false;
  state.containers.pop_back();
  return true;
}

}  // namespace

void Repairer::ReadStringBody(StringState& state) {
  while (text_.Spend(1)) {
    const char32_t code = Char();
    if (code == kNoChar || (code == state.right && state.low_quotes == 0)) return;
    Step step = LookBeforeCharacter(state, code);
    if (step == Step::kGoOn) {
      AppendLiteral(state, code);
      if (Char() == kNoChar) return;
      if (state.EndsWithBackslash() && ReadEscape(state)) continue;
      step = LookAfterCharacter(state);
    }
    if (step == Step::kStop) return;
  }
}

void Repairer::AppendLiteral(StringState& state, char32_t code) {
  state.content.Append(code);
  ++index_;
}

// kGoOn: the character belongs to the content. kNext: it was read.
Repairer::Step Repairer::LookBeforeCharacter(StringState& state, char32_t code) {
  if (state.lacks_quotes) {
    if (IsCurrent(Context::kKey) && (code == U':' || IsPythonSpace(code))) return Step::kStop;
    if (IsCurrent(Context::kArray) && (code == U']' || code == U',')) return Step::kStop;
  }
  const bool opens_low_quote = code == U'\u201E' && !state.EndsWithBackslash();
  if (opens_low_quote || (state.low_quotes > 0 && code == U'\u201D')) {
    state.low_quotes += opens_low_quote ? 1 : -1;
    AppendLiteral(state, code);
    return Step::kNext;
  }
  if (OpensContainer(code) && KeepInlineContainer(state, code)) return Step::kNext;
  const bool is_value = IsCurrent(Context::kValue);
  if (is_value && code == U',' && !state.expects_container && state.containers.empty()) return LookAtComma(state);
  if (ClosesInlineContainer(state, code)) {
    AppendLiteral(state, code);
    return Step::kNext;
  }
  const bool is_behind_quote = state.content.last() == state.right;
  if (is_value && code == U'}' && !is_behind_quote) {
    if (state.content.HasOpenBrace()) {
      AppendLiteral(state, code);
      return Step::kNext;
    }
    if (IsClosingQuoteMissing(state)) return Step::kStop;
  }
  if (code == U']' && IsIn(Context::kArray) && !is_behind_quote) {
    if (text_.At(text_.NextUnescaped(TargetOf(state.right), index_)) == kNoChar) return Step::kStop;
  }
  return is_value && code == U'}' ? LookAtFenceBehindBrace(state) : Step::kGoOn;
}

// A whole container within a string.
bool Repairer::KeepInlineContainer(StringState& state, char32_t code) {
  const bool is_object = !state.expects_container && IsCurrent(Context::kValue) && code == U'{' &&
                         text_.At(index_ - 1) != U'\\' && IsBareKeyBeforeColon(text_.NextNonSpace(index_ + 1));
  if (!(state.expects_container || is_object) || state.EndsWithBackslash()) return false;
  const std::optional<Position> end = SkipInlineContainer(index_);
  if (!end.has_value()) return false;
  state.expects_container = false;
  state.containers.clear();
  state.content.Append(text_.Slice(index_, *end));
  index_ = *end;
  return true;
}

Repairer::Step Repairer::LookAtComma(StringState& state) {
  const Comma comma = state.goes_to_the_end ? Comma::kString : ClassifyComma(state);
  if (comma == Comma::kMember) return Step::kStop;
  if (comma == Comma::kStringToTheEnd) state.goes_to_the_end = true;
  state.expects_container = comma == Comma::kContainer;
  AppendLiteral(state, U',');
  return Step::kNext;
}

// At a brace that may close the object around the string.
bool Repairer::IsClosingQuoteMissing(StringState& state) {
  const bool precedes_backslash = text_.At(index_ + 1) == U'\\';
  const Position quote = CachedNext(state, TargetOf(state.right), index_ + 1);
  if (text_.At(quote) == kNoChar) {
    if (text_.At(text_.NextUnescaped(kColon, index_ + 1)) != kNoChar) return true;
    const Position next = text_.NextNonSpace(index_ + 1);
    return !precedes_backslash && text_.NextUnescaped(kClosingBrace, next) - next <= 1;
  }
  const Position after = text_.NextNonSpace(quote + 1);
  const char32_t code = text_.At(after);
  if (precedes_backslash || code == kNoChar || code == U',' || code == U'}') return false;
  // The next string decides whether that quote is the end of this one or of a key.
  const Position opening = text_.NextUnescaped(TargetOf(state.left), after);
  if (text_.At(opening) == kNoChar) return false;
  const char32_t behind = text_.At(text_.NextNonSpace(opening + 1));
  return behind == kNoChar || behind == U':';
}

// At a brace that closes the object if the text ends behind it, or the code fence around it does.
Repairer::Step Repairer::LookAtFenceBehindBrace(StringState& state) {
  const Position next = text_.NextNonSpace(index_ + 1);
  if (text_.At(next) == kNoChar) return Step::kStop;
  if (text_.Slice(next, next + 3) != U"```") return Step::kGoOn;
  if (!BraceBeforeFenceIsContent(state, next)) return Step::kStop;
  AppendLiteral(state, U'}');
  return Step::kNext;
}

// kGoOn and kNext: the character here is still to be read, or was.
Repairer::Step Repairer::LookAfterCharacter(StringState& state) {
  const char32_t code = Char();
  if (code == U':' && !state.lacks_quotes && IsCurrent(Context::kKey) && KeyEndsAtColon(state)) return Step::kStop;
  if (state.low_quotes > 0 && code == U'"') {
    --state.low_quotes;
    AppendLiteral(state, code);
    return Step::kNext;
  }
  if (code != state.right) return Step::kGoOn;
  if (IsCurrent(Context::kValue) && state.content.IsInCharacterClass() &&
      text_.At(text_.NextUnescaped(kClosingBracket, index_ + 1)) == U']') {
    AppendLiteral(state, code);
    return Step::kNext;
  }
  return state.content.empty() || state.EndsWithBackslash() ? Step::kGoOn : LookAtQuote(state);
}

// At a colon within a key: its closing quote may be missing.
bool Repairer::KeyEndsAtColon(const StringState& state) {
  const Position left = text_.NextUnescaped(TargetOf(state.left), index_ + 1);
  if (text_.At(left) == kNoChar) return true;
  const Position right = text_.NextUnescaped(TargetOf(state.right), left + 1);
  if (text_.At(right) == kNoChar) return false;
  const char32_t behind = text_.At(text_.NextNonSpace(right + 1));
  return behind == U',' || behind == U'}';
}

}  // namespace dspex
