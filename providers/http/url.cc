#include "providers/http/url.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <cctype>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex::http {

namespace {

// A URL may hold a password by mistake, so errors never repeat it.
absl::Status Invalid(absl::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               absl::StrCat("The URL ", what, ". Write it like https://api.example.com/v1."));
}

bool IsHostCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_';
}
bool IsAddressCharacter(char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == ':' || c == '.'; }
bool IsPathCharacter(char c) { return absl::ascii_isgraph(static_cast<unsigned char>(c)); }

template <typename Predicate>
bool AllOf(absl::string_view text, Predicate predicate) {
  return std::all_of(text.begin(), text.end(), predicate);
}

// "[::1]:8080" or "example.com:8080" -> host, and what follows it.
bool SplitHost(absl::string_view authority, std::string& host, absl::string_view& rest) {
  if (absl::ConsumePrefix(&authority, "[")) {
    const std::size_t end = authority.find(']');
    if (end == absl::string_view::npos || end == 0 || !AllOf(authority.substr(0, end), IsAddressCharacter))
      return false;
    host = std::string(authority.substr(0, end));
    rest = authority.substr(end + 1);
    return true;
  }
  const std::size_t end = std::min(authority.find(':'), authority.size());
  host = absl::AsciiStrToLower(authority.substr(0, end));
  rest = authority.substr(end);
  return !host.empty() && host.size() <= 253 && AllOf(host, IsHostCharacter);
}

}  // namespace

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : absl::StrCat("[", host, "]");
  if (port != (tls ? 443 : 80)) absl::StrAppend(&text, ":", port);
  return text;
}

std::string Url::ToString() const { return absl::StrCat(tls ? "https://" : "http://", authority(), path); }

absl::StatusOr<Url> ParseUrl(absl::string_view text) {
  Url url;
  if (absl::StartsWithIgnoreCase(text, "https://")) {
    url.tls = true;
    text.remove_prefix(8);
  } else if (absl::StartsWithIgnoreCase(text, "http://")) {
    text.remove_prefix(7);
  } else {
    return Invalid("does not begin with http:// or https://");
  }
  if (text.find_first_of("?#") != absl::string_view::npos) return Invalid("has a query or a fragment");
  const std::size_t slash = std::min(text.find('/'), text.size());
  const absl::string_view authority = text.substr(0, slash);
  if (authority.find('@') != absl::string_view::npos) return Invalid("holds a user name; keys come from api_key_env");
  absl::string_view rest;
  if (!SplitHost(authority, url.host, rest)) return Invalid("has no valid host");
  url.port = url.tls ? 443 : 80;
  if (!rest.empty()) {
    std::uint32_t port = 0;
    if (!absl::ConsumePrefix(&rest, ":") || !AllOf(rest, [](char c) { return c >= '0' && c <= '9'; }) ||
        !absl::SimpleAtoi(rest, &port) || port == 0 || port > 65535) {
      return Invalid("has no valid port (1 to 65535)");
    }
    url.port = static_cast<std::uint16_t>(port);
  }
  url.path = std::string(text.substr(slash));
  if (!AllOf(url.path, IsPathCharacter)) return Invalid("has a space or another character that must be %-encoded");
  while (!url.path.empty() && url.path.back() == '/') url.path.pop_back();
  return url;
}

}  // namespace dspex::http
