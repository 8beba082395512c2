#include "engine/signature/media_source.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <arpa/inet.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

namespace dspex {

namespace {

bool IsSchemeCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '-' || c == '.';
}

// "v1.x" of RFC 3986.
bool IsFutureAddress(absl::string_view host) {
  const std::size_t point = host.find('.');
  if (point == absl::string_view::npos || point < 2 || point + 1 == host.size()) return false;
  const absl::string_view version = host.substr(1, point - 1);
  return std::all_of(version.begin(), version.end(),
                     [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); }) &&
         host.find('\n', point) == absl::string_view::npos;
}

bool IsIpv6(absl::string_view host) {
  const std::size_t zone = host.find('%');
  if (zone != absl::string_view::npos) {
    const absl::string_view id = host.substr(zone + 1);
    if (id.empty() || absl::StrContains(id, '%')) return false;
    host = host.substr(0, zone);
  }
  in6_addr address;
  return inet_pton(AF_INET6, std::string(host).c_str(), &address) == 1 && !absl::StrContains(host, '\0');
}

// What stands between the slashes and the path. Brackets may enclose an IPv6 address only.
bool AreBracketsWell(absl::string_view host) {
  const bool open = absl::StrContains(host, '[');
  if (open != absl::StrContains(host, ']')) return false;
  if (!open) return true;
  const std::size_t at = host.rfind('@');
  if (at != absl::string_view::npos) host.remove_prefix(at + 1);
  absl::string_view name = host;
  const std::size_t bracket = host.find('[');
  if (bracket != absl::string_view::npos) {
    if (bracket != 0) return false;
    const std::size_t close = host.find(']');
    name = host.substr(1, close == absl::string_view::npos ? close : close - 1);
    const absl::string_view port = close == absl::string_view::npos ? "" : host.substr(close + 1);
    if (!port.empty() && port.front() != ':') return false;
  } else {
    name = host.substr(0, host.find(':'));
  }
  return absl::StartsWith(name, "v") ? IsFutureAddress(name) : IsIpv6(name);
}

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isascii(static_cast<unsigned char>(c)); });
}

// Characters that become one of these in a host's name would change what the address means.
bool IsStableUnderNfkc(absl::string_view host) {
  if (IsAscii(host)) return true;
  std::string name;
  for (const char c : host) {
    if (!absl::StrContains("@:#?", c)) name.push_back(c);
  }
  utf8proc_uint8_t* normalized = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(name.data()), static_cast<utf8proc_ssize_t>(name.size()),
                   &normalized, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(normalized, &std::free);
  if (size < 0) return false;
  const absl::string_view result(reinterpret_cast<const char*>(normalized), static_cast<std::size_t>(size));
  return result == name || result.find_first_of("/?#@:") == absl::string_view::npos;
}

}  // namespace

bool IsImageUrl(absl::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= 0x20) text.remove_prefix(1);
  std::string url;
  url.reserve(text.size());
  for (const char c : text) {
    if (c != '\t' && c != '\r' && c != '\n') url.push_back(c);
  }
  const std::size_t colon = url.find(':');
  if (colon == std::string::npos || colon == 0 || !absl::ascii_isalpha(static_cast<unsigned char>(url[0])) ||
      !std::all_of(url.begin(), url.begin() + static_cast<std::ptrdiff_t>(colon), IsSchemeCharacter)) {
    return false;
  }
  const std::string scheme = absl::AsciiStrToLower(url.substr(0, colon));
  if (scheme != "http" && scheme != "https" && scheme != "gs") return false;
  const absl::string_view rest = absl::string_view(url).substr(colon + 1);
  if (!absl::StartsWith(rest, "//")) return false;
  const absl::string_view host = rest.substr(2, rest.find_first_of("/?#", 2) - 2);
  return !host.empty() && AreBracketsWell(host) && IsStableUnderNfkc(host);
}

}  // namespace dspex
