#include "engine/signature/uuid.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/strip.h>

namespace dspex {

namespace {

bool IsHyphen(std::size_t position) { return position == 8 || position == 13 || position == 18 || position == 23; }

}  // namespace

std::optional<std::string> ReadUuid(absl::string_view text) {
  constexpr std::size_t kGrouped = 36;
  if (text.size() == kGrouped + 2 && absl::StartsWith(text, "{") && absl::EndsWith(text, "}")) {
    text = text.substr(1, kGrouped);
  } else if (text.size() == kGrouped + 9) {
    if (!absl::ConsumePrefix(&text, "urn:uuid:")) return std::nullopt;
  } else if (text.size() != kGrouped && text.size() != 32) {
    return std::nullopt;
  }
  const bool grouped = text.size() == kGrouped;
  std::string uuid;
  uuid.reserve(kGrouped);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (grouped && IsHyphen(i)) {
      if (text[i] != '-') return std::nullopt;
      uuid.push_back('-');
      continue;
    }
    if (!grouped && IsHyphen(uuid.size())) uuid.push_back('-');
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(text[i]))) return std::nullopt;
    uuid.push_back(absl::ascii_tolower(static_cast<unsigned char>(text[i])));
  }
  return uuid;
}

std::optional<std::string> UuidFromBytes(absl::string_view bytes) {
  if (bytes.size() != 16) return std::nullopt;
  return ReadUuid(absl::BytesToHexString(bytes));
}

}  // namespace dspex
