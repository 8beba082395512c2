#include "engine/json/repair/characters.h"

#include <absl/strings/ascii.h>
#include <utf8proc.h>

namespace dspex {

namespace {

constexpr char32_t kAsciiEnd = 0x80;
constexpr char32_t kUnicodeEnd = 0x110000;

utf8proc_category_t Category(char32_t code) {
  if (code >= kUnicodeEnd) return UTF8PROC_CATEGORY_CN;
  return utf8proc_category(static_cast<utf8proc_int32_t>(code));
}

// What is a digit without being a decimal: the library does not tell it from other numbers.
constexpr struct {
  char32_t first;
  char32_t last;
} kOtherDigits[] = {
    {0xB2, 0xB3},     {0xB9, 0xB9},       {0x1369, 0x1371},   {0x19DA, 0x19DA},   {0x2070, 0x2070},
    {0x2074, 0x2079}, {0x2080, 0x2089},   {0x2460, 0x2468},   {0x2474, 0x247C},   {0x2488, 0x2490},
    {0x24EA, 0x24EA}, {0x24F5, 0x24FD},   {0x24FF, 0x24FF},   {0x2776, 0x277E},   {0x2780, 0x2788},
    {0x278A, 0x2792}, {0x10A40, 0x10A43}, {0x10E60, 0x10E68}, {0x11052, 0x1105A}, {0x1F100, 0x1F10A},
};

}  // namespace

bool IsPythonAlpha(char32_t code) {
  if (code < kAsciiEnd) return absl::ascii_isalpha(static_cast<unsigned char>(code));
  const utf8proc_category_t category = Category(code);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool IsPythonDigit(char32_t code) {
  if (code < kAsciiEnd) return absl::ascii_isdigit(static_cast<unsigned char>(code));
  for (const auto& range : kOtherDigits) {
    if (code >= range.first && code <= range.last) return true;
  }
  return Category(code) == UTF8PROC_CATEGORY_ND;
}

bool IsPythonAlnum(char32_t code) {
  if (code < kAsciiEnd) return absl::ascii_isalnum(static_cast<unsigned char>(code));
  const utf8proc_category_t category = Category(code);
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
         (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

}  // namespace dspex
