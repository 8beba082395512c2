// Strings: how they begin and what is left of them in the end.

#include <utility>

#include "engine/json/repair/characters.h"
#include "engine/json/repair/repairer.h"
#include "engine/json/utf8.h"

namespace dspex {

// Text with or without quotes; a literal word or what a code fence encloses may turn up instead.
Json Repairer::ReadString() {
  if (Char() == U'#' || Char() == U'/') {
    SkipComment();
    return "";
  }
  while (Char() != kNoChar && !IsQuote(Char()) && !IsPythonAlnum(Char()) && text_.Spend(1)) ++index_;
  if (Char() == kNoChar) return "";
  if (std::optional<std::string> plain = ReadPlainString(); plain.has_value()) return *std::move(plain);
  StringState state;
  if (std::optional<Json> value = BeginString(state); value.has_value()) return *std::move(value);
  ReadStringBody(state);
  return FinishString(state);
}

// Goes from the quote or letter that begins the string to its content. A value if that is all there is to it.
std::optional<Json> Repairer::BeginString(StringState& state) {
  const char32_t first = Char();
  if (first == U'\'') {
    state.left = state.right = U'\'';
  } else if (first == U'\u201C') {
    state.left = U'\u201C';
    state.right = U'\u201D';
  } else if (!IsQuote(first)) {
    Json word;
    if (!IsCurrent(Context::kKey) && ReadLiteralWord(word)) return word;
    state.lacks_quotes = true;
  }
  if (!state.lacks_quotes) ++index_;
  if (Char() == U'`') {
    if (std::optional<Json> value = ReadFence(); value.has_value()) return value;
  }
  if (Char() == state.left) return ReadDoubledQuote(state);
  return std::nullopt;
}

// A string that is as it should be, which most are.
std::optional<std::string> Repairer::ReadPlainString() {
  if (Char() != U'"') return std::nullopt;
  const Position begin = index_ + 1;
  Position end = begin;
  for (; text_.At(end) != U'"'; ++end) {
    const char32_t code = text_.At(end);
    if (code == kNoChar || code == U'\\' || code == U'\n' || code == U'\r') break;
  }
  if (!text_.Spend(end - begin) || text_.At(end) != U'"') return std::nullopt;
  if (!MayFollowPlainString(text_.At(text_.NextNonSpace(end + 1)))) return std::nullopt;
  index_ = end + 1;
  return EncodeUtf8(text_.Slice(begin, end));
}

bool Repairer::MayFollowPlainString(char32_t next) const {
  if (IsCurrent(Context::kKey)) return next == U':';
  if (IsCurrent(Context::kValue)) return next == U',' || next == U'}' || next == kNoChar;
  if (IsCurrent(Context::kArray)) return next == U',' || next == U']' || next == kNoChar;
  return next == kNoChar;
}

// What a code fence at the begin of a string encloses, if it is marked as JSON and closed.
std::optional<Json> Repairer::ReadFence() {
  constexpr std::u32string_view kOpening = U"```json";
  constexpr std::u32string_view kClosing = U"```";
  const Position content = index_ + static_cast<Position>(kOpening.size());
  if (text_.Slice(index_, content) != kOpening) return std::nullopt;
  const Position end = text_.NextUnescaped(kBackquote, content);
  if (text_.Slice(end, end + static_cast<Position>(kClosing.size())) != kClosing) return std::nullopt;
  index_ = content;
  Json value = Nested([this] { return ReadValue(); });
  // A false value is taken for none, and the string goes on behind it.
  if (value.is_boolean() && !value.get<bool>()) return std::nullopt;
  return value;
}

// At the second of two quotes: an empty string, one in doubled quotes, one that begins with a quoted span, or a quote
// too many.
std::optional<Json> Repairer::ReadDoubledQuote(StringState& state) {
  const char32_t next = text_.At(index_ + 1);
  const bool is_empty = (IsCurrent(Context::kKey) && next == U':') ||
                        (IsCurrent(Context::kValue) && (next == U',' || next == U'}')) ||
                        (IsCurrent(Context::kArray) && (next == U',' || next == U']'));
  if (is_empty) {
    ++index_;
    return "";
  }
  if (next == state.left) return "";
  const Targets right = TargetOf(state.right);
  const Position end = text_.NextUnescaped(right, index_ + 1);
  if (text_.At(end + 1) == state.right) {
    state.has_doubled_quotes = true;
    ++index_;
    return std::nullopt;
  }
  if (text_.At(end) == state.right && IsCurrent(Context::kValue) && !IsSpaceUntil(end)) {
    const Position outer = text_.NextUnescaped(right, end + 1);
    const char32_t after = text_.At(text_.NextNonSpace(outer + 1));
    if (text_.At(outer) == state.right && (after == U',' || after == U'}' || after == kNoChar)) {
      state.content.Append(state.left);
      state.has_unmatched_quote = true;
      ++index_;
      return std::nullopt;
    }
  }
  const char32_t follows = text_.At(text_.NextNonSpace(index_ + 1));
  if (IsQuote(follows) || follows == U'{' || follows == U'[') {
    ++index_;
    return "";
  }
  if (follows != U',' && follows != U']' && follows != U'}') ++index_;
  return std::nullopt;
}

// At the closing quote, or where the string ends without one.
std::string Repairer::FinishString(StringState& state) {
  const char32_t code = Char();
  if (code != kNoChar && state.lacks_quotes && IsCurrent(Context::kKey) && IsPythonSpace(code)) {
    SkipSpace();
    // Prose in the place of a key.
    if (Char() != U':' && Char() != U',') return "";
  }
  const bool is_closed = code == state.right;
  if (is_closed) ++index_;
  return state.content.Take(!is_closed || state.lacks_quotes, true);
}

}  // namespace dspex
