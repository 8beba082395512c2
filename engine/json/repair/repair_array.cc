// Arrays, and what stands in parentheses.

#include <algorithm>
#include <string>
#include <utility>

#include "engine/json/repair/characters.h"
#include "engine/json/repair/repairer.h"
#include "engine/json/utf8.h"

namespace dspex {

namespace {

bool IsEmptyValue(const Json& value) {
  return (value.is_string() && value.get_ref<const std::string&>().empty()) || (value.is_structured() && value.empty());
}

}  // namespace

// Behind the opening bracket.
Json::array_t Repairer::ReadArray(char32_t closing) {
  const bool is_member_value = IsCurrent(Context::kValue);
  const Within within(*this, Context::kArray);
  Json::array_t elements;
  bool has_containers = false;
  while (text_.Spend(1)) {
    SkipSpaceAndComments();
    const char32_t code = Char();
    if (code == kNoChar || code == closing || code == U'}') break;
    if (code == U',') {
      ++index_;
      continue;
    }
    Json value;
    if (!IsQuote(code)) {
      value = ReadValue();
    } else if (!ReadQuotedElement(code, is_member_value && !elements.empty() && !has_containers, value)) {
      return elements;
    }
    if (IsEmptyValue(value) && Char() != closing && Char() != U',') {
      ++index_;
      continue;
    }
    if (value.is_string() && value.get_ref<const std::string&>() == "..." && text_.At(index_ - 1) == U'.') continue;
    if (!CountValue()) break;
    has_containers = has_containers || value.is_structured();
    elements.push_back(std::move(value));
  }
  ++index_;
  return elements;
}

// A string, or a member of an object whose opening brace is missing. False if that member belongs to the object around
// an array that was not closed.
bool Repairer::ReadQuotedElement(char32_t quote, bool may_end_array, Json& value) {
  const Position end = text_.NextUnescaped(TargetOf(quote), index_ + 1);
  if (text_.At(text_.NextNonSpace(end + 1)) != U':') {
    value = ReadString();
    return true;
  }
  if (may_end_array) return false;
  value = Nested([this] { return ReadObject(); });
  return true;
}

// A tuple, or a value in parentheses.
Json Repairer::ReadParenthesized() {
  const bool is_tuple = IsTuple();
  ++index_;
  Json::array_t values = ReadArray(U')');
  if (is_tuple || values.size() != 1) return Json(std::move(values));
  Json only = std::move(values.front());
  return only;
}

namespace {

// Follows quotes and brackets through a text behind an opening parenthesis.
class BracketTracker {
 public:
  // Whether the next character is neither a backslash nor in quotes. Afterwards the counts include it unless it closes.
  enum class Kind { kSkipped, kQuote, kOther };

  Kind Look(char32_t code) {
    if (code == U'\\') {
      is_escaped_ = !is_escaped_;
      return Kind::kSkipped;
    }
    const bool was_escaped = std::exchange(is_escaped_, false);
    if (quote_ != 0) {
      if (code == quote_ && !was_escaped) quote_ = 0;
      return Kind::kSkipped;
    }
    if (!was_escaped && IsQuote(code)) {
      quote_ = code;
      return Kind::kQuote;
    }
    return Kind::kOther;
  }

  void Count(char32_t code) {
    if (code == U'(') ++parentheses_;
    if (code == U')') --parentheses_;
    if (code == U'[') ++brackets_;
    if (code == U']' && brackets_ > 0) --brackets_;
    if (code == U'{') ++braces_;
    if (code == U'}' && braces_ > 0) --braces_;
  }

  void ForgetUnopened() { parentheses_ = std::max<Position>(parentheses_, 0); }
  bool IsOutermost() const { return parentheses_ == 0 && brackets_ == 0 && braces_ == 0; }

 private:
  char32_t quote_ = 0;
  bool is_escaped_ = false;
  Position parentheses_ = 0;
  Position brackets_ = 0;
  Position braces_ = 0;
};

}  // namespace

// Whether the parentheses that open here are those of a tuple: empty, or with a comma of their own.
bool Repairer::IsTuple() {
  BracketTracker tracker;
  bool has_content = false;
  for (Position position = index_ + 1; position < text_.size() && text_.Spend(1); ++position) {
    const char32_t code = text_.At(position);
    const BracketTracker::Kind kind = tracker.Look(code);
    if (kind == BracketTracker::Kind::kSkipped) continue;
    if (tracker.IsOutermost()) {
      if (kind == BracketTracker::Kind::kOther && code == U',') return true;
      if (kind == BracketTracker::Kind::kOther && code == U')') return !has_content;
      has_content = has_content || !IsPythonSpace(code);
    }
    if (kind == BracketTracker::Kind::kOther) tracker.Count(code);
    tracker.ForgetUnopened();
  }
  return !has_content;
}

// Outside of containers, a parenthesis begins a value only if it stands on lines of its own and what is in it looks
// like a value: prose has parentheses, too.
bool Repairer::ParenthesisBeginsValue() {
  if (!BeginsLine()) return false;
  const Position first = text_.NextNonSpace(index_ + 1);
  const char32_t code = text_.At(first);
  if (code == kNoChar) return false;
  const bool is_value = IsQuote(code) || IsPythonDigit(code) || code == U')' || code == U'{' || code == U'[' ||
                        code == U'(' || code == U'-' || code == U'.' || text_.HasWord(first, "true", true) ||
                        text_.HasWord(first, "null", true) || text_.HasWord(first, "none", true) ||
                        text_.HasWord(first, "false", true);
  return is_value && IsParenthesisAlone();
}

bool Repairer::BeginsLine() {
  for (Position position = index_ - 1; position >= 0 && text_.Spend(1); --position) {
    const char32_t code = text_.At(position);
    if (code == U'\n' || code == U'\r') return true;
    if (!IsPythonSpace(code)) return false;
  }
  return true;
}

// Whether nothing stands on the line behind the parenthesis that closes the one here.
bool Repairer::IsParenthesisAlone() {
  BracketTracker tracker;
  for (Position position = index_ + 1; position < text_.size() && text_.Spend(1); ++position) {
    const char32_t code = text_.At(position);
    if (tracker.Look(code) != BracketTracker::Kind::kOther) continue;
    if (code != U')' || !tracker.IsOutermost()) {
      tracker.Count(code);
      continue;
    }
    while (++position < text_.size() && text_.Spend(1)) {
      const char32_t trailer = text_.At(position);
      if (trailer == U'\n' || trailer == U'\r') return true;
      if (!IsPythonSpace(trailer)) return false;
    }
    return true;
  }
  return true;
}

}  // namespace dspex
