// A quote within a string that may be its end, or may belong to the content because someone forgot to escape it.

#include "engine/json/repair/characters.h"
#include "engine/json/repair/repairer.h"

namespace dspex {

// kGoOn and kStop: the quote ends the string.
Repairer::Step Repairer::LookAtQuote(StringState& state) {
  const char32_t quote = state.right;
  if (state.has_doubled_quotes && text_.At(index_ + 1) == quote) {
    ++index_;
    return Step::kNext;
  }
  const bool is_value = IsCurrent(Context::kValue);
  if (state.lacks_quotes && is_value) return LookAtQuoteOfBareValue(state);
  if (state.has_unmatched_quote) {
    state.has_unmatched_quote = false;
    AppendLiteral(state, quote);
    return Step::kNext;
  }
  const Position next = NextQuoteOrEnd(state);
  if (text_.At(next) == U',' && is_value) {
    const Position after = text_.NextUnescaped(TargetOf(quote), next + 1) + 1;
    const char32_t code = text_.At(text_.NextNonSpace(after));
    if (code != U'}' && code != U',') return Step::kGoOn;
    AppendLiteral(state, quote);
    return Step::kNext;
  }
  if (text_.At(next) == quote && text_.At(next - 1) != U'\\') return LookAtQuoteBeforeQuote(state, next);
  return Step::kGoOn;
}

// A value without quotes ends before the key that a quote opens.
Repairer::Step Repairer::LookAtQuoteOfBareValue(const StringState& state) {
  Position next = index_ + 1;
  while (text_.At(next) != kNoChar && text_.At(next) != state.right && text_.At(next) != state.left && text_.Spend(1)) {
    ++next;
  }
  if (text_.At(next) == kNoChar || text_.At(text_.NextNonSpace(next + 1)) != U':') return Step::kGoOn;
  --index_;
  return Step::kStop;
}

// The next quote, or the end of the string, the member or the element if one of these comes first.
Position Repairer::NextQuoteOrEnd(const StringState& state) {
  const bool ends_at_colon = IsIn(Context::kKey);
  const bool ends_at_brace = ends_at_colon || IsIn(Context::kValue);
  const bool ends_at_bracket = IsIn(Context::kArray);
  bool ends_at_comma = IsCurrent(Context::kValue);
  Position next = index_ + 1;
  for (; text_.Spend(1); ++next) {
    const char32_t code = text_.At(next);
    if (code == kNoChar || code == state.right || code == state.left) break;
    if (ends_at_comma && IsPythonAlpha(code)) ends_at_comma = false;
    if ((ends_at_colon && code == U':') || (ends_at_brace && code == U'}')) break;
    if (ends_at_bracket && (code == U']' || code == U',')) break;
    if (ends_at_comma && code == U',') break;
  }
  return next;
}

// The next quote, at `next`, ends the string instead of this one if what is between them looks quoted.
Repairer::Step Repairer::LookAtQuoteBeforeQuote(StringState& state, Position next) {
  const bool is_value = IsCurrent(Context::kValue);
  if (IsSpaceUntil(next) && !(is_value && MemberFollowsQuote(next))) return Step::kStop;
  if (is_value) {
    if (!MemberFollowsQuote(next)) {
      if (ColonFollows(state, next)) return Step::kGoOn;
      state.has_unmatched_quote = !state.has_unmatched_quote;
    }
  } else if (IsCurrent(Context::kArray)) {
    if (!text_.IsEvenUntilBracket(TargetOf(state.right), next)) return Step::kStop;
    state.has_unmatched_quote = !state.has_unmatched_quote;
  } else if (!IsCurrent(Context::kKey)) {
    return Step::kGoOn;
  }
  AppendLiteral(state, state.right);
  return Step::kNext;
}

// Whether the quote behind `quote` is that of a key: a colon comes first behind it.
bool Repairer::ColonFollows(const StringState& state, Position quote) {
  Position next = text_.NextUnescaped(TargetOf(state.right), quote + 1) + 1;
  for (; text_.Spend(1); ++next) {
    const char32_t code = text_.At(next);
    if (code == U':') return true;
    if (code == kNoChar || code == U',' || code == U']' || code == U'}') return false;
    if (code == state.right && text_.At(next - 1) != U'\\') return false;
  }
  return false;
}

}  // namespace dspex
