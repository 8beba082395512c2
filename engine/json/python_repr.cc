#include "engine/json/python_repr.h"

#include <absl/strings/str_cat.h>
#include <utf8proc.h>

#include <nlohmann/json.hpp>

#include "engine/json/python_format.h"
#include "engine/json/utf8.h"
#include "engine/json/write_value.h"

namespace dspex {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

// str.isprintable of one character.
bool IsPrintable(char32_t code) {
  if (code < 0x7F) return code >= 0x20;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

void AppendEscaped(std::string& out, char32_t code) {
  if (code == '\n') {
    out += "\\n";
  } else if (code == '\r') {
    out += "\\r";
  } else if (code == '\t') {
    out += "\\t";
  } else if (code < 0x100) {
    absl::StrAppend(&out, "\\x", absl::Hex(static_cast<std::uint32_t>(code), absl::kZeroPad2));
  } else if (code < 0x10000) {
    absl::StrAppend(&out, "\\u", absl::Hex(static_cast<std::uint32_t>(code), absl::kZeroPad4));
  } else {
    absl::StrAppend(&out, "\\U", absl::Hex(static_cast<std::uint32_t>(code), absl::kZeroPad8));
  }
}

// The quote that Python puts around a text.
char QuoteOf(absl::string_view text) {
  const bool has_single = text.find('\'') != absl::string_view::npos;
  return has_single && text.find('"') == absl::string_view::npos ? '"' : '\'';
}

struct PythonValue {
  static constexpr absl::string_view kComma = ", ";
  static constexpr absl::string_view kColon = ": ";
  static void String(std::string& out, absl::string_view text) { AppendPythonStrRepr(out, text); }
  static void Scalar(std::string& out, const Json& value) { AppendPythonStr(out, value); }
};

}  // namespace

void AppendPythonStrRepr(std::string& out, absl::string_view text) {
  const char quote = QuoteOf(text);
  out.push_back(quote);
  for (std::size_t position = 0; position < text.size();) {
    Utf8Char next = DecodeUtf8(text, position);
    if (next.size == 0) next = {kReplacement, 1};
    position += next.size;
    if (next.code == '\\' || next.code == static_cast<char32_t>(quote)) {
      out.push_back('\\');
      out.push_back(static_cast<char>(next.code));
    } else if (IsPrintable(next.code)) {
      AppendUtf8(out, next.code);
    } else {
      AppendEscaped(out, next.code);
    }
  }
  out.push_back(quote);
}

void AppendPythonRepr(std::string& out, const Json& value) { WriteValue<PythonValue>(out, value); }

std::string PythonRepr(const Json& value) {
  std::string out;
  AppendPythonRepr(out, value);
  return out;
}

std::string PythonBytesRepr(absl::string_view bytes) {
  const char quote = QuoteOf(bytes);
  std::string out = "b";
  out.push_back(quote);
  for (const char byte : bytes) {
    const auto code = static_cast<unsigned char>(byte);
    if (byte == quote || byte == '\\') {
      out.push_back('\\');
      out.push_back(byte);
    } else if (code >= 0x20 && code < 0x7F) {
      out.push_back(byte);
    } else {
      AppendEscaped(out, code);
    }
  }
  out.push_back(quote);
  return out;
}

}  // namespace dspex
