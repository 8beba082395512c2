#include "engine/json/python_literal.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "engine/json/object_builder.h"
#include "engine/json/python_format.h"
#include "engine/json/python_scanner.h"
#include "engine/json/python_token.h"
#include "engine/json/utf8.h"

namespace dspex {

namespace {

using Member = std::pair<std::string, Json>;
using Root = PythonRoot;

Json Binary(absl::string_view bytes, PythonSubtype subtype) {
  return Json::binary({bytes.begin(), bytes.end()}, static_cast<std::uint8_t>(subtype));
}

// As complex numbers print: "1", "0.5".
std::string Part(double number) {
  std::string text;
  AppendPythonFloat(text, number);
  if (absl::EndsWith(text, ".0")) text.resize(text.size() - 2);
  return text;
}

// Recursive descent, no deeper than the limits say.
class LiteralReader : private PythonScanner {
 public:
  LiteralReader(absl::string_view text, const JsonLimits& limits) : PythonScanner(text), limits_(limits) {}

  bool ReadAll(Json& value, Root& root) {
    if (!SkipToStart() || !Read(value, 0, root)) return false;
    if (Take(',', 0)) {
      root = Root::kTuple;
      if (!ReadBareTuple(value)) return false;
    }
    return SkipToEnd();
  }

 private:
  bool Read(Json& value, int depth, Root& root) {
    SkipSpace(depth);
    if (position_ == text_.size() || ++count_ > limits_.max_values) return false;
    switch (text_[position_]) {
      case '[':
        return ReadSequence(value, ']', depth + 1);
      case '(':
        return ReadParentheses(value, depth + 1, root);
      case '{':
        return ReadBraces(value, depth + 1, root);
      default:
        return ReadScalar(value, depth, root);
    }
  }

  bool Read(Json& value, int depth) {
    Root root = Root::kValue;
    return Read(value, depth, root);
  }

  // Behind the first value and its comma.
  bool ReadBareTuple(Json& value) {
    Json::array_t elements;
    elements.push_back(std::move(value));
    bool comma = true;
    while (comma) {
      SkipSpace(0);
      if (AtLineEnd()) break;
      if (!Read(elements.emplace_back(), 0)) return false;
      comma = Take(',', 0);
    }
    value = Json(std::move(elements));
    return true;
  }

  bool ReadSequence(Json& value, char close, int depth, bool* trailing_comma = nullptr) {
    if (depth > limits_.max_depth) return false;
    ++position_;
    Json::array_t elements;
    bool comma = true;
    while (!Take(close, depth)) {
      if (!comma || !Read(elements.emplace_back(), depth)) return false;
      comma = Take(',', depth);
    }
    if (trailing_comma != nullptr) *trailing_comma = comma;
    value = Json(std::move(elements));
    return true;
  }

  // A tuple, or one value.
  bool ReadParentheses(Json& value, int depth, Root& root) {
    bool comma = false;
    Json elements;
    if (!ReadSequence(elements, ')', depth, &comma)) return false;
    if (elements.size() == 1 && !comma) {
      value = std::move(elements[0]);
    } else {
      value = std::move(elements);
      root = Root::kTuple;
    }
    return true;
  }

  // A dict, or a set where no colon follows the first value.
  bool ReadBraces(Json& value, int depth, Root& root) {
    if (depth > limits_.max_depth) return false;
    ++position_;
    value = Json::object();
    if (Take('}', depth)) return true;
    Json first;
    if (!Read(first, depth)) return false;
    if (Take(':', depth)) return ReadMembers(std::move(first), value, depth);
    root = Root::kSet;
    return ReadElements(std::move(first), value, depth);
  }

  // Behind the first key and its colon.
  bool ReadMembers(Json key, Json& value, int depth) {
    std::vector<Member> members;
    while (true) {
      Member& member = members.emplace_back(KeyText(std::move(key)), Json());
      if (!Read(member.second, depth)) return false;
      const bool comma = Take(',', depth);
      if (Take('}', depth)) break;
      if (!comma || !Read(key, depth) || !Take(':', depth)) return false;
    }
    ObjectBuilder object(members.size());
    for (Member& member : members) object.Add(std::move(member.first), std::move(member.second));
    value = object.Take();
    return true;
  }

  // Behind the first element of a set.
  bool ReadElements(Json first, Json& value, int depth) {
    Json::array_t elements;
    elements.push_back(std::move(first));
    while (true) {
      const bool comma = Take(',', depth);
      if (Take('}', depth)) break;
      if (!comma || !Read(elements.emplace_back(), depth)) return false;
    }
    value = Json(std::move(elements));
    return true;
  }

  static std::string KeyText(Json key) {
    if (key.is_string()) return std::move(key.get_ref<std::string&>());
    if (key.is_boolean()) return key.get<bool>() ? "true" : "false";
    return key.is_binary() ? std::string() : PythonStr(key);
  }

  bool ReadScalar(Json& value, int depth, Root& root) {
    if (StartsPythonString(text_, position_)) return ReadStrings(value, depth);
    if (StartsPythonBytes(text_, position_)) return ReadBytesLiterals(value, depth);
    const char sign = text_[position_];
    if (sign == '-' || sign == '+') {
      ++position_;
      SkipSpace(depth);
    }
    const bool negative = sign == '-';
    if (StartsPythonNumber(text_, position_)) return ReadNumber(value, negative, depth);
    if (negative || sign == '+') return false;
    return ReadName(value, depth, root);
  }

  // Strings that stand side by side are one.
  bool ReadStrings(Json& value, int depth) {
    std::string content;
    do {
      if (!ReadPythonString(text_, position_, content).ok()) return false;
      SkipSpace(depth);
    } while (StartsPythonString(text_, position_));
    value = std::move(content);
    return !StartsPythonBytes(text_, position_);
  }

  bool ReadBytesLiterals(Json& value, int depth) {
    std::string content;
    do {
      if (!ReadPythonBytes(text_, position_, content).ok()) return false;
      SkipSpace(depth);
    } while (StartsPythonBytes(text_, position_));
    value = Binary(content, PythonSubtype::kBytes);
    return !StartsPythonString(text_, position_);
  }

  // "2j" and its like end with the letter, which is no part of a number to the reader of numbers.
  bool ReadImaginary(double& imaginary) {
    std::size_t end = position_;
    while (end < text_.size() &&
           (absl::ascii_isalnum(static_cast<unsigned char>(text_[end])) || text_[end] == '.' || text_[end] == '_')) {
      const bool exponent = text_[end] == 'e' || text_[end] == 'E';
      ++end;
      if (exponent && end < text_.size() && (text_[end] == '+' || text_[end] == '-')) ++end;
    }
    const absl::string_view lexeme = text_.substr(position_, end - position_);
    if (!absl::EndsWithIgnoreCase(lexeme, "j")) return false;
    std::size_t at = 0;
    PythonNumber number;
    // "007j" is a number, "007" is not.
    const std::string digits = absl::StrCat(lexeme.substr(0, lexeme.size() - 1), "e0");
    if (absl::StrContains(lexeme, 'e') || absl::StrContains(lexeme, 'E')) {
      if (!ReadPythonNumber(lexeme.substr(0, lexeme.size() - 1), at, number).ok()) return false;
    } else if (!ReadPythonNumber(digits, at, number).ok()) {
      return false;
    }
    imaginary = number.real;
    position_ = end;
    return true;
  }

  bool ReadNumber(Json& value, bool negative, int depth) {
    double imaginary = 0;
    if (ReadImaginary(imaginary)) {
      value = Binary(absl::StrCat(negative ? "-" : "", Part(imaginary), "j"), PythonSubtype::kComplex);
      return true;
    }
    PythonNumber number;
    if (!ReadPythonNumber(text_, position_, number).ok()) return false;
    SkipSpace(depth);
    if (position_ < text_.size() && (text_[position_] == '+' || text_[position_] == '-')) {
      const char sign = text_[position_++];
      SkipSpace(depth);
      if (!ReadImaginary(imaginary)) return false;
      const std::string real = number.real == 0 ? "" : absl::StrCat(negative ? "-" : "", Part(number.real));
      value = Binary(absl::StrCat(real,
                                  sign == '-'    ? "-"
                                  : real.empty() ? ""
                                                 : "+",
                                  Part(imaginary), "j"),
                     PythonSubtype::kComplex);
      return true;
    }
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

  bool ReadName(Json& value, int depth, Root& root) {
    if (absl::StartsWith(text_.substr(position_), "...")) {
      position_ += 3;
      value = Binary("", PythonSubtype::kEllipsis);
      return true;
    }
    const std::size_t start = position_;
    while (position_ < text_.size() && absl::ascii_isalpha(static_cast<unsigned char>(text_[position_]))) ++position_;
    const absl::string_view name = text_.substr(start, position_ - start);
    if (name == "True" || name == "False") {
      value = name == "True";
    } else if (name == "None") {
      value = nullptr;
    } else if (name == "set" && Take('(', depth) && Take(')', depth + 1)) {
      value = Json::array();
      root = Root::kSet;
    } else {
      return false;
    }
    return true;
  }

  const JsonLimits& limits_;
  std::size_t count_ = 0;
};

}  // namespace

std::optional<std::string> ReadBinary(const Json& value, PythonSubtype subtype) {
  if (!value.is_binary()) return std::nullopt;
  const Json::binary_t& binary = value.get_binary();
  if (binary.subtype() != static_cast<std::uint8_t>(subtype)) return std::nullopt;
  return std::string(binary.begin(), binary.end());
}

std::optional<Json> ParsePythonLiteral(absl::string_view text, const JsonLimits& limits, PythonRoot* root) {
  if (text.size() > limits.max_bytes || ValidUtf8Prefix(text) != text.size()) return std::nullopt;
  if (absl::StrContains(text, '\0')) return std::nullopt;
  Json value;
  PythonRoot kind = PythonRoot::kValue;
  if (!LiteralReader(text, limits).ReadAll(value, kind)) return std::nullopt;
  if (root != nullptr) *root = kind;
  return value;
}

}  // namespace dspex
