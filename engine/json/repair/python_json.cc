#include "engine/json/repair/python_json.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "engine/json/object_builder.h"
#include "engine/json/repair/repaired_string.h"
#include "engine/json/utf8.h"

namespace dspex {

namespace {

constexpr std::size_t kMaxIntegerDigits = 4300;

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

}  // namespace

bool IsLongInteger(absl::string_view digits) {
  if (absl::StartsWith(digits, "-")) digits.remove_prefix(1);
  return digits.size() > kMaxIntegerDigits;
}

Json PythonFloat(absl::string_view digits) {
  double value = 0;
  (void)absl::SimpleAtod(digits, &value);  // What is beyond doubles is infinite.
  return value;
}

Json PythonInteger(absl::string_view digits) {
  const char* end = digits.data() + digits.size();
  // As ParseJson has it: what has no minus sign is unsigned.
  if (std::uint64_t value = 0; std::from_chars(digits.data(), end, value).ec == std::errc()) return value;
  std::int64_t value = 0;
  if (std::from_chars(digits.data(), end, value).ec != std::errc()) return PythonFloat(digits);
  if (value == 0) return std::uint64_t{0};
  return value;
}

PythonJsonReader::Outcome PythonJsonReader::ReadText(Json& value) {
  SkipSpace();
  bool is_read = Read(0, value);
  SkipSpace();
  if (is_read && position_ != text_.size()) is_read = Fail(Outcome::kMalformed);
  return Finish(is_read);
}

PythonJsonReader::Outcome PythonJsonReader::ReadPrefix(Json& value) { return Finish(Read(0, value)); }

PythonJsonReader::Outcome PythonJsonReader::ReadMembersAndBrace(Json& value) {
  bool is_read = ReadObject(1, value);
  SkipSpace();
  if (is_read && position_ != text_.size()) is_read = Fail(Outcome::kMalformed);
  return Finish(is_read);
}

bool PythonJsonReader::Fail(Outcome outcome) {
  failure_ = outcome;
  return false;
}

PythonJsonReader::Outcome PythonJsonReader::Finish(bool is_read) { return is_read ? Outcome::kRead : failure_; }

bool PythonJsonReader::Read(int depth, Json& value) {
  if (position_ == text_.size()) return false;
  if (++count_ > limits_.max_values) return Fail(Outcome::kLimit);
  const char first = text_[position_];
  if (first == '{' || first == '[') {
    if (depth >= limits_.max_depth) return Fail(Outcome::kLimit);
    ++position_;
    return first == '{' ? ReadObject(depth + 1, value) : ReadArray(depth + 1, value);
  }
  if (first == '"') {
    ++position_;
    value = std::string();
    return ReadString(value.get_ref<std::string&>());
  }
  if (Take("null")) {
    value = nullptr;
  } else if (Take("true")) {
    value = true;
  } else if (Take("false")) {
    value = false;
  } else if (Take("NaN")) {
    value = std::numeric_limits<double>::quiet_NaN();
  } else if (Take("Infinity")) {
    value = std::numeric_limits<double>::infinity();
  } else if (Take("-Infinity")) {
    value = -std::numeric_limits<double>::infinity();
  } else {
    return ReadNumber(value);
  }
  return true;
}

bool PythonJsonReader::ReadObject(int depth, Json& value) {
  std::vector<std::pair<std::string, Json>> members;
  SkipSpace();
  if (!Take("}")) {
    do {
      SkipSpace();
      auto& [key, member] = members.emplace_back();
      if (!Take("\"") || !ReadString(key)) return false;
      SkipSpace();
      if (!Take(":")) return false;
      SkipSpace();
      if (!Read(depth, member)) return false;
      SkipSpace();
    } while (Take(","));
    if (!Take("}")) return false;
  }
  ObjectBuilder object(members.size());
  for (auto& [key, member] : members) object.Add(std::move(key), std::move(member));
  value = object.Take();
  return true;
}

bool PythonJsonReader::ReadArray(int depth, Json& value) {
  Json::array_t elements;
  SkipSpace();
  if (!Take("]")) {
    do {
      SkipSpace();
      if (!Read(depth, elements.emplace_back())) return false;
      SkipSpace();
    } while (Take(","));
    if (!Take("]")) return false;
  }
  value = Json(std::move(elements));
  return true;
}

// Behind the opening quote.
bool PythonJsonReader::ReadString(std::string& value) {
  bool has_surrogates = false;
  while (true) {
    std::size_t end = position_;
    while (end < text_.size() && text_[end] != '"' && text_[end] != '\\' &&
           static_cast<unsigned char>(text_[end]) >= 0x20)
      ++end;
    value.append(text_.data() + position_, end - position_);
    position_ = end;
    if (end == text_.size()) return false;
    if (text_[end] == '"') break;
    if (text_[end] != '\\') return false;
    ++position_;
    const std::size_t size = value.size();
    if (!ReadEscape(value)) return false;
    has_surrogates |= value.size() == size + 3 && value[size] == '\xED';
  }
  ++position_;
  if (has_surrogates) JoinSurrogates(value);
  return true;
}

// Behind the backslash.
bool PythonJsonReader::ReadEscape(std::string& value) {
  if (position_ == text_.size()) return false;
  constexpr absl::string_view kLetters = "\"\\/bfnrt";
  constexpr absl::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const char letter = text_[position_++];
  if (letter == 'u') {
    char32_t code = 0;
    if (!ReadHex(code)) return false;
    AppendUtf8(value, code);
    return true;
  }
  const std::size_t simple = kLetters.find(letter);
  if (simple == absl::string_view::npos) return false;
  value.push_back(kMeanings[simple]);
  return true;
}

bool PythonJsonReader::ReadHex(char32_t& code) {
  constexpr std::size_t kDigits = 4;
  if (text_.size() - position_ < kDigits) return false;
  const char* begin = text_.data() + position_;
  std::uint32_t value = 0;
  if (std::from_chars(begin, begin + kDigits, value, 16).ptr != begin + kDigits) return false;
  position_ += kDigits;
  code = value;
  return true;
}

bool PythonJsonReader::ReadNumber(Json& value) {
  const std::size_t begin = position_;
  (void)Take("-");
  if (!Take("0")) {
    const std::size_t first = position_;
    SkipDigits();
    if (position_ == first) return false;
  }
  const std::size_t integer_end = position_;
  if (position_ + 1 < text_.size() && text_[position_] == '.' && IsDigit(text_[position_ + 1])) {
    ++position_;
    SkipDigits();
  }
  if (position_ < text_.size() && (text_[position_] == 'e' || text_[position_] == 'E')) {
    std::size_t digit = position_ + 1;
    if (digit < text_.size() && (text_[digit] == '+' || text_[digit] == '-')) ++digit;
    if (digit < text_.size() && IsDigit(text_[digit])) {
      position_ = digit;
      SkipDigits();
    }
  }
  const absl::string_view digits = text_.substr(begin, position_ - begin);
  const bool is_integer = position_ == integer_end;
  if (is_integer && IsLongInteger(digits)) return Fail(Outcome::kLongInteger);
  value = is_integer ? PythonInteger(digits) : PythonFloat(digits);
  return true;
}

void PythonJsonReader::SkipDigits() {
  while (position_ < text_.size() && IsDigit(text_[position_])) ++position_;
}

void PythonJsonReader::SkipSpace() {
  while (position_ < text_.size() && absl::StrContains(" \t\n\r", text_[position_])) ++position_;
}

bool PythonJsonReader::Take(absl::string_view word) {
  if (!absl::StartsWith(text_.substr(position_), word)) return false;
  position_ += word.size();
  return true;
}

}  // namespace dspex
