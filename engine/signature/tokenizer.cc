#include "engine/signature/tokenizer.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/python_token.h"
#include "engine/json/utf8.h"

namespace dspex {

namespace {

constexpr std::size_t kMaxShownToken = 40;

bool IsNameStart(char32_t code) {
  if (code < 0x80) return absl::ascii_isalpha(static_cast<unsigned char>(code)) || code == '_';
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_NL:
      return true;
    default:  // Unicode's Other_ID_Start.
      return code == 0x1885 || code == 0x1886 || code == 0x2118 || code == 0x212E || code == 0x309B || code == 0x309C;
  }
}

bool IsNameContinue(char32_t code) {
  if (code < 0x80) return absl::ascii_isalnum(static_cast<unsigned char>(code)) || code == '_';
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:  // Unicode's Other_ID_Continue.
      return IsNameStart(code) || code == 0xB7 || code == 0x387 || (code >= 0x1369 && code <= 0x1371) || code == 0x19DA;
  }
}

bool IsIdentifier(absl::string_view name) {
  for (std::size_t position = 0; position < name.size();) {
    const Utf8Char c = DecodeUtf8(name, position);
    if (c.size == 0 || !(position == 0 ? IsNameStart(c.code) : IsNameContinue(c.code))) return false;
    position += c.size;
  }
  return !name.empty();
}

bool IsNameByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

// The length of the punctuation at `position`, 0 if there is none.
std::size_t PunctuationSize(absl::string_view text, std::size_t position) {
  if (text.substr(position, 2) == "->") return 2;
  if (text.substr(position, 3) == "...") return 3;
  // Braces and signs occur in default values only.
  return absl::string_view(":,[]|().={}-+").find(text[position]) != absl::string_view::npos ? 1 : 0;
}

absl::Status ReadToken(absl::string_view text, std::size_t& position, Token& token) {
  token.position = position;
  if (StartsPythonString(text, position)) {
    token.kind = Token::Kind::kString;
    const absl::Status status = ReadPythonString(text, position, token.value);
    if (!status.ok()) {
      return SignatureError(position, text.substr(position),
                            absl::StrCat("the text is wrong there: ", status.message()),
                            "Write the string as in Python.");
    }
  } else if (StartsPythonNumber(text, position)) {
    token.kind = Token::Kind::kNumber;
    PythonNumber number;
    const absl::Status status = ReadPythonNumber(text, position, number);
    if (!status.ok()) {
      return SignatureError(token.position, text.substr(token.position, position - token.position), status.message(),
                            "Write the number as in Python.");
    }
    token.integer = number.integer;
    token.is_integer = number.is_integer && number.fits;
  } else if (IsNameByte(text[position])) {
    token.kind = Token::Kind::kName;
    while (position < text.size() && IsNameByte(text[position])) ++position;
    const absl::string_view name = text.substr(token.position, position - token.position);
    token.value = NormalizeIdentifier(name);
    if (token.value.empty()) {
      return SignatureError(token.position, name, "this is no Python identifier",
                            "Use letters, digits and underscores, no digit first.");
    }
  } else {
    const std::size_t size = PunctuationSize(text, position);
    if (size == 0) {
      return SignatureError(position, text.substr(position, 1), "this character has no meaning here",
                            "Write \"name: type, ... -> name: type, ...\".");
    }
    token.kind = Token::Kind::kPunctuation;
    position += size;
  }
  token.text = text.substr(token.position, position - token.position);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Token>> Tokenize(absl::string_view text) {
  if (text.size() > kMaxSignatureBytes) {
    return SignatureError(kMaxSignatureBytes, "", absl::StrCat("it is longer than ", kMaxSignatureBytes, " bytes"),
                          "Shorten it.");
  }
  const std::size_t valid = ValidUtf8Prefix(text);
  if (valid < text.size()) {
    return SignatureError(valid, "byte", "the text is not valid UTF-8 there", "Send UTF-8.");
  }
  std::vector<Token> tokens;
  tokens.reserve(text.size() / 4 + 2);
  std::size_t position = 0;
  while (true) {
    while (position < text.size() && absl::ascii_isspace(static_cast<unsigned char>(text[position]))) ++position;
    if (position == text.size()) break;
    Token& token = tokens.emplace_back();
    token.error = ReadToken(text, position, token);
    if (!token.error.ok()) {
      token.kind = Token::Kind::kInvalid;
      break;
    }
  }
  tokens.emplace_back().position = text.size();
  return tokens;
}

absl::Status SignatureError(std::size_t position, absl::string_view token, absl::string_view problem,
                            absl::string_view advice) {
  const std::string shown = token.empty() ? "end of text" : Shorten(token, kMaxShownToken);
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidSignature,
               absl::StrCat(kSignatureSubject, " cannot be read at byte ", position, " (",
                            token.empty() ? shown : absl::StrCat("`", shown, "`"), "): ", problem, ". ", advice))
      .With("position", static_cast<long long>(position))
      .With("token", shown);
}

absl::Status SignatureError(const Token& token, absl::string_view problem, absl::string_view advice) {
  if (token.kind == Token::Kind::kInvalid) return token.error;
  return SignatureError(token.position, token.text, problem, advice);
}

std::string NormalizeIdentifier(absl::string_view name) {
  if (!IsIdentifier(name)) return "";
  if (std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    return std::string(name);
  }
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(name.data()), static_cast<utf8proc_ssize_t>(name.size()),
                   &mapped, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (size < 0) return "";
  std::string normal(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(size));
  return IsIdentifier(normal) ? normal : "";
}

bool IsPythonKeyword(absl::string_view name) {
  static constexpr std::array<absl::string_view, 35> kKeywords = {
      "False", "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
      "class", "continue", "def",   "del",    "elif", "else",   "except", "finally",  "for",
      "from",  "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
      "or",    "pass",     "raise", "return", "try",  "while",  "with",   "yield"};
  return std::find(kKeywords.begin(), kKeywords.end(), name) != kKeywords.end();
}

}  // namespace dspex
