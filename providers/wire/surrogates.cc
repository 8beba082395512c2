#include "providers/wire/surrogates.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace dspex::wire {

namespace {

constexpr std::size_t kEscape = 6;
constexpr absl::string_view kReplacement = "\\ufffd";

// The unit of an escape "\uXXXX" that the text begins with; -1 if it begins with none.
int UnitAt(absl::string_view text) {
  std::uint32_t unit = 0;
  if (text.size() < kEscape || !absl::StartsWith(text, "\\u")) return -1;
  const absl::string_view digits = text.substr(2, 4);
  const bool hex = std::all_of(digits.begin(), digits.end(),
                               [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); });
  return hex && absl::SimpleHexAtoi(digits, &unit) ? static_cast<int>(unit) : -1;
}

bool IsFirstHalf(int unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool IsSecondHalf(int unit) { return unit >= 0xDC00 && unit < 0xE000; }

}  // namespace

std::string SurrogateMender::Mend(absl::string_view json, bool goes_on) {
  std::string out;
  out.reserve(json.size() + kEscape);
  while (!json.empty()) {
    const std::size_t plain = std::min(json.find('\\'), json.size());
    out.append(json.data(), plain);
    json.remove_prefix(plain);
    const int unit = UnitAt(json);
    std::size_t taken = std::min<std::size_t>(unit < 0 ? 2 : kEscape, json.size());
    absl::string_view written = json.substr(0, taken);
    if (IsFirstHalf(unit) && IsSecondHalf(UnitAt(json.substr(kEscape)))) {
      taken = 2 * kEscape;
      written = json.substr(0, taken);
    } else if (IsFirstHalf(unit) && goes_on && absl::StartsWith(json.substr(kEscape), "\"")) {
      kept_ = std::string(written);
      written = "";
    } else if (IsSecondHalf(unit) && !kept_.empty()) {
      out += std::exchange(kept_, "");
    } else if (IsFirstHalf(unit) || IsSecondHalf(unit)) {
      written = kReplacement;
    }
    out.append(written.data(), written.size());
    json.remove_prefix(taken);
  }
  return out;
}

}  // namespace dspex::wire
