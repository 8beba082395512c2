#include "engine/json/python_literal.h"

#include <absl/strings/ascii.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/json/object_builder.h"
#include "engine/json/python_format.h"
#include "engine/json/python_token.h"
#include "engine/json/utf8.h"

namespace dspex {

namespace {

using Member = std::pair<std::string, Json>;

// Recursive descent, no deeper than the limits say.
class LiteralReader {
 public:
  LiteralReader(absl::string_view text, const JsonLimits& limits) : text_(text), limits_(limits) {}

  bool ReadAll(Json& value) {
    if (!Read(value, 0)) return false;
    SkipSpace();
    return position_ == text_.size();
  }

 private:
  bool Read(Json& value, int depth) {
    SkipSpace();
    if (position_ == text_.size() || ++count_ > limits_.max_values) return false;
    switch (text_[position_]) {
      case '[':
        return ReadSequence(value, ']', depth + 1);
      case '(':
        return ReadSequence(value, ')', depth + 1);
      case '{':
        return ReadDict(value, depth + 1);
      default:
        return ReadScalar(value);
    }
  }

  // A list or a tuple; one value in parentheses without a comma is that value.
  bool ReadSequence(Json& value, char close, int depth) {
    if (depth > limits_.max_depth) return false;
    ++position_;
    Json::array_t elements;
    bool comma = true;
    while (!Take(close)) {
      if (!comma || !Read(elements.emplace_back(), depth)) return false;
      comma = Take(',');
    }
    if (close == ')' && elements.size() == 1 && !comma) {
      Json only = std::move(elements.front());
      value = std::move(only);
    } else {
      value = Json(std::move(elements));
    }
    return true;
  }

  bool ReadDict(Json& value, int depth) {
    if (depth > limits_.max_depth) return false;
    ++position_;
    std::vector<Member> members;
    bool comma = true;
    while (!Take('}')) {
      Member& member = members.emplace_back();
      if (!comma || !ReadKey(member.first) || !Take(':') || !Read(member.second, depth)) return false;
      comma = Take(',');
    }
    ObjectBuilder object(members.size());
    for (Member& member : members) object.Add(std::move(member.first), std::move(member.second));
    value = object.Take();
    return true;
  }

  bool ReadKey(std::string& key) {
    SkipSpace();
    Json value;
    if (!ReadScalar(value)) return false;
    if (value.is_string()) {
      key = std::move(value.get_ref<std::string&>());
    } else if (value.is_boolean()) {
      key = value.get<bool>() ? "true" : "false";
    } else {
      key = PythonStr(value);
    }
    return true;
  }

  bool ReadScalar(Json& value) {
    if (StartsPythonString(text_, position_)) {
      std::string content;
      do {  // Strings that stand side by side are one.
        if (!ReadPythonString(text_, position_, content).ok()) return false;
        SkipSpace();
      } while (StartsPythonString(text_, position_));
      value = std::move(content);
      return true;
    }
    bool negative = false;
    bool sign = false;
    while (position_ < text_.size() && (text_[position_] == '-' || text_[position_] == '+')) {
      negative ^= text_[position_++] == '-';
      sign = true;
      SkipSpace();
    }
    if (StartsPythonNumber(text_, position_)) return ReadNumber(value, negative);
    return ReadName(value, sign, negative);
  }

  bool ReadNumber(Json& value, bool negative) {
    PythonNumber number;
    if (!ReadPythonNumber(text_, position_, number).ok()) return false;
    constexpr std::uint64_t kMinInt64 = std::uint64_t{1} << 63;
    if (number.is_integer && number.fits && !negative) {
      value = number.integer;
    } else if (number.is_integer && number.fits && number.integer <= kMinInt64) {
      value = static_cast<std::int64_t>(0 - number.integer);
    } else {
      value = negative ? -number.real : number.real;
    }
    return true;
  }

  bool ReadName(Json& value, bool sign, bool negative) {
    const std::size_t start = position_;
    while (position_ < text_.size() && absl::ascii_isalpha(static_cast<unsigned char>(text_[position_]))) ++position_;
    const absl::string_view name = text_.substr(start, position_ - start);
    if (name == "NaN") {
      value = std::numeric_limits<double>::quiet_NaN();
      return true;
    }
    if (name == "Infinity") {
      value = negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
      return true;
    }
    if (sign) return false;
    if (name == "True" || name == "true") {
      value = true;
    } else if (name == "False" || name == "false") {
      value = false;
    } else if (name == "None" || name == "null") {
      value = nullptr;
    } else {
      return false;
    }
    return true;
  }

  void SkipSpace() {
    while (position_ < text_.size() && absl::ascii_isspace(static_cast<unsigned char>(text_[position_]))) ++position_;
  }

  bool Take(char c) {
    SkipSpace();
    if (position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  absl::string_view text_;
  const JsonLimits& limits_;
  std::size_t position_ = 0;
  std::size_t count_ = 0;
};

}  // namespace

std::optional<Json> ParsePythonLiteral(absl::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes || ValidUtf8Prefix(text) != text.size()) return std::nullopt;
  Json value;
  if (!LiteralReader(text, limits).ReadAll(value)) return std::nullopt;
  return value;
}

}  // namespace dspex
