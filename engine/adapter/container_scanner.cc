#include "engine/adapter/container_scanner.h"

#include <absl/strings/ascii.h>

#include <utility>

#include "engine/json/utf8.h"

namespace dspex {

namespace {

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

bool IsHighSurrogate(std::uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool IsLowSurrogate(std::uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

constexpr std::uint32_t kReplacement = 0xFFFD;

}  // namespace

void ContainerScanner::Put(absl::string_view text) {
  for (const char c : text) {
    if (state_ == State::kDone || state_ == State::kBroken) return;
    Take(c);
  }
  Flush();
}

void ContainerScanner::Take(char c) {
  switch (state_) {
    case State::kText:
    case State::kInKey:
      return TakeText(c);
    case State::kNested:
      return TakeNested(c);
    case State::kScalar:
      if (c != ',' && c != ']' && c != '}' && !IsSpace(c)) {
        raw_ += c;
        return;
      }
      EndValue(State::kAfter);
      return TakeAfter(c);
    default:
      break;
  }
  if (IsSpace(c)) return;
  switch (state_) {
    case State::kBefore:
      is_list_ = c == '[';
      state_ = c == '[' || c == '{' ? State::kFirst : State::kBroken;
      return;
    case State::kFirst:
      if (c == (is_list_ ? ']' : '}')) {
        state_ = State::kDone;
      } else if (is_list_) {
        BeginValue(c);
      } else {
        state_ = c == '"' ? State::kInKey : State::kBroken;
      }
      return;
    case State::kKey:
      state_ = c == '"' ? State::kInKey : State::kBroken;
      return;
    case State::kColon:
      state_ = c == ':' ? State::kValue : State::kBroken;
      return;
    case State::kValue:
      return BeginValue(c);
    case State::kAfter:
      return TakeAfter(c);
    default:
      return;
  }
}

void ContainerScanner::BeginValue(char c) {
  if (c == '"') {
    state_ = State::kText;
  } else if (c == '{' || c == '[') {
    state_ = State::kNested;
    depth_ = 1;
  } else if (c == '-' || absl::ascii_isalnum(static_cast<unsigned char>(c))) {
    state_ = State::kScalar;
  } else {
    state_ = State::kBroken;
    return;
  }
  raw_ = c;
  handler_.OnBegin(key_, state_ == State::kText);
}

void ContainerScanner::EndValue(State next) {
  Flush();
  handler_.OnEnd();
  key_.clear();
  state_ = next;
}

void ContainerScanner::TakeAfter(char c) {
  if (IsSpace(c)) return;
  if (c == ',') {
    state_ = is_list_ ? State::kValue : State::kKey;
  } else {
    state_ = c == (is_list_ ? ']' : '}') ? State::kDone : State::kBroken;
  }
}

void ContainerScanner::TakeNested(char c) {
  raw_ += c;
  if (in_nested_text_) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_nested_text_ = false;
    }
    return;
  }
  if (c == '"') {
    in_nested_text_ = true;
  } else if (c == '{' || c == '[') {
    ++depth_;
  } else if ((c == '}' || c == ']') && --depth_ == 0) {
    EndValue(State::kAfter);
  }
}

// Within the quotes of a key or a text.
void ContainerScanner::TakeText(char c) {
  if (state_ == State::kText) raw_ += c;
  if (escaped_ || unicode_digits_ >= 0) {
    if (!TakeEscape(c)) state_ = State::kBroken;
    return;
  }
  if (c == '\\') {
    escaped_ = true;
    return;
  }
  if (high_surrogate_ != 0) Append(kReplacement);
  high_surrogate_ = 0;
  if (c != '"') {
    (state_ == State::kInKey ? key_ : text_) += c;
  } else if (state_ == State::kInKey) {
    state_ = State::kColon;
  } else {
    EndValue(State::kAfter);
  }
}

bool ContainerScanner::TakeEscape(char c) {
  if (unicode_digits_ >= 0) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return false;
    const int digit = absl::ascii_isdigit(static_cast<unsigned char>(c)) ? c - '0' : (c | 0x20) - 'a' + 10;
    unit_ = unit_ * 16 + static_cast<std::uint32_t>(digit);
    if (++unicode_digits_ < 4) return true;
    unicode_digits_ = -1;
    TakeUnit(std::exchange(unit_, 0));
    return true;
  }
  escaped_ = false;
  if (c == 'u') {
    unicode_digits_ = 0;
    return true;
  }
  constexpr absl::string_view kNames = "\"\\/bfnrt";
  constexpr absl::string_view kCharacters = "\"\\/\b\f\n\r\t";
  const std::size_t place = kNames.find(c);
  if (place == absl::string_view::npos) return false;
  if (std::exchange(high_surrogate_, 0) != 0) Append(kReplacement);
  Append(static_cast<unsigned char>(kCharacters[place]));
  return true;
}

// Halves of pairs are joined; one without the other is the replacement character, as in ParseTolerantJson.
void ContainerScanner::TakeUnit(std::uint32_t unit) {
  const std::uint32_t high = std::exchange(high_surrogate_, 0);
  if (high != 0 && IsLowSurrogate(unit)) {
    Append(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00));
    return;
  }
  if (high != 0) Append(kReplacement);
  if (IsHighSurrogate(unit)) {
    high_surrogate_ = unit;
  } else {
    Append(IsLowSurrogate(unit) ? kReplacement : unit);
  }
}

void ContainerScanner::Append(std::uint32_t code_point) {
  AppendUtf8(state_ == State::kInKey ? key_ : text_, code_point);
}

void ContainerScanner::Flush() {
  if (!text_.empty()) handler_.OnText(text_);
  if (!raw_.empty()) handler_.OnRaw(raw_);
  text_.clear();
  raw_.clear();
}

}  // namespace dspex
