#include "providers/wire/errors.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/lm/error_rate_limits.h"
#include "providers/wire/rate_limits.h"

namespace dspex::wire {

namespace {

using absl::StatusCode;

constexpr std::size_t kMaxMessage = 300;
constexpr std::chrono::milliseconds kMaxRetryDelay = std::chrono::hours(24);

bool IsJson(absl::string_view content_type) {
  // Some servers leave it out.
  return content_type.empty() || absl::StrContains(absl::AsciiStrToLower(content_type), "json");
}

bool IsKeyCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '*' || c == '.';
}

// OpenAI's keys begin with "sk-"; its errors repeat them, half masked.
std::string MaskKeys(absl::string_view text) {
  std::string out;
  while (!text.empty()) {
    const bool word_begins = out.empty() || !IsKeyCharacter(out.back());
    if (!word_begins || !absl::StartsWith(text, "sk-")) {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    out += "sk-***";
    text.remove_prefix(
        static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), IsKeyCharacter) - text.begin()));
  }
  return out;
}

// The variable that makes a provider of that name where none is configured.
absl::string_view KeyHint(absl::string_view provider) {
  if (provider == "openai") return " (OPENAI_API_KEY for openai)";
  if (provider == "anthropic") return " (ANTHROPIC_API_KEY for anthropic)";
  return "";
}

struct Mapping {
  StatusCode code;
  absl::string_view reason;
  std::string message;
};

// What the body's own word says more exactly than the status.
std::optional<Mapping> MapCode(absl::string_view code, const ErrorSource& source) {
  const absl::string_view provider = source.provider;
  if (code == "insufficient_quota" || code == "billing_hard_limit_reached" || code == "billing_not_active") {
    return Mapping{StatusCode::kFailedPrecondition, reason::kProviderBilling,
                   absl::StrCat("The account at the provider ", provider,
                                " has no credit left. Add credit, or raise its spending limit.")};
  }
  if (code == "context_length_exceeded" || code == "exceed_context_size_error") {
    return Mapping{StatusCode::kInvalidArgument, reason::kContextWindow,
                   absl::StrCat("The prompt is longer than the model ", source.model,
                                " takes. Shorten the inputs, use fewer demos, or a model with a larger context.")};
  }
  if (code == "content_filter" || code == "content_policy_violation") {
    return Mapping{StatusCode::kInvalidArgument, reason::kContentFiltered,
                   absl::StrCat("The content filter of the provider ", provider,
                                " refused the request. Change the inputs that it objects to.")};
  }
  return std::nullopt;
}

Mapping MapStatus(int http_status, const ErrorSource& source) {
  const absl::string_view provider = source.provider;
  if (http_status == 402) return *MapCode("insufficient_quota", source);
  if (http_status == 403) {
    return {StatusCode::kFailedPrecondition, reason::kProviderPermission,
            absl::StrCat("The provider ", provider, " does not let the server's key use the model ", source.model,
                         ". Grant it access, or use another model.")};
  }
  if (http_status == 401) {
    return {
        StatusCode::kFailedPrecondition, reason::kProviderAuth,
        source.api_key.empty()
            ? absl::StrCat("The provider ", provider,
                           " wants a key and none is configured. Put it into the environment variable that providers.",
                           provider, ".api_key_env names", KeyHint(provider), " and start the server again.")
            : absl::StrCat("The provider ", provider,
                           " refused the server's key. Correct the environment variable or file that providers.",
                           provider, ".api_key_env or api_key_file names", KeyHint(provider),
                           ", and start the server again.")};
  }
  if (http_status == 429) {
    return {StatusCode::kResourceExhausted, reason::kProviderRateLimited,
            absl::StrCat("The provider ", provider,
                         " limits the rate of requests. Try again later, or check the account's quota.")};
  }
  if (http_status == 408 || http_status >= 500) {
    return {StatusCode::kUnavailable, reason::kProviderOverloaded,
            absl::StrCat("The provider ", provider, " failed to answer. Try again later.")};
  }
  if (http_status == 404) {
    return {StatusCode::kFailedPrecondition, reason::kProviderInvalidRequest,
            absl::StrCat("The provider ", provider,
                         " has no model or path of that name. Check the model's name and providers.", provider,
                         ".base_url, which must end with the API's version (like /v1).")};
  }
  if (http_status >= 400) {
    return {StatusCode::kInvalidArgument, reason::kProviderInvalidRequest,
            absl::StrCat(
                "The provider ", provider,
                " refused the request. Change what it objects to: settings, the length of the input, or the model.")};
  }
  return {StatusCode::kInternal, reason::kProviderMalformed,
          absl::StrCat("The provider ", provider, " answered with HTTP status ", http_status,
                       "; redirects are not followed. Correct providers.", provider, ".base_url.")};
}

}  // namespace

std::string ForDisplay(absl::string_view message, absl::string_view api_key) {
  std::string text(message);
  if (api_key.size() >= 4) text = absl::StrReplaceAll(text, {{api_key, "***"}});
  text = MaskKeys(text);
  for (char& c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  if (text.size() > kMaxMessage) {
    std::size_t end = kMaxMessage;
    // Not within a character.
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text.resize(end);
    text += "...";
  }
  return text;
}

absl::string_view RequestId(const http::Headers& headers, absl::string_view api_key) {
  absl::string_view id = headers.Get("x-request-id");
  if (id.empty()) id = headers.Get("request-id");
  // It goes into messages, which hold UTF-8 only.
  const bool has_key = !api_key.empty() && absl::StrContains(id, api_key);
  const bool sound = !has_key && id.size() <= 200 && std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isprint(static_cast<unsigned char>(c));
  });
  return sound ? id : absl::string_view();
}

std::optional<std::chrono::milliseconds> RetryDelay(const http::Headers& headers, absl::Time now) {
  double millis = 0;
  absl::Time date;
  const absl::string_view after = headers.Get("retry-after");
  if (absl::SimpleAtod(headers.Get("retry-after-ms"), &millis)) {
  } else if (absl::SimpleAtod(after, &millis)) {
    millis *= 1000;
  } else if (absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", after, &date, nullptr)) {
    millis = absl::ToDoubleMilliseconds(date - now);
  } else {
    return std::nullopt;
  }
  if (std::isnan(millis)) return std::nullopt;
  return std::chrono::milliseconds(
      static_cast<long long>(std::clamp(std::ceil(millis), 0.0, static_cast<double>(kMaxRetryDelay.count()))));
}

absl::Status WithSource(absl::Status status, const ErrorSource& source, absl::string_view provider_request_id) {
  status = WithMetadata(std::move(status), "provider", source.provider);
  status = WithMetadata(std::move(status), "model", source.model);
  if (provider_request_id.empty()) return status;
  return WithMetadata(std::move(status), "provider_request_id", provider_request_id);
}

absl::Status ErrorOf(int http_status, const ErrorBody& body, const http::Headers& headers, const ErrorSource& source) {
  std::optional<Mapping> mapped;
  if (http_status >= 400) mapped = MapCode(body.code, source);
  // Servers that imitate OpenAI say it in words only.
  if (!mapped.has_value() && http_status == 400 && absl::StrContains(body.message, "maximum context length")) {
    mapped = MapCode("context_length_exceeded", source);
  }
  const Mapping mapping = mapped.has_value() ? *std::move(mapped) : MapStatus(http_status, source);
  std::string message = mapping.message;
  const std::string said = ForDisplay(body.message, source.api_key);
  if (!said.empty()) absl::StrAppend(&message, " It says: ", said);
  Error error(mapping.code, mapping.reason, message);
  error.With("http_status", http_status);
  if (mapping.reason == reason::kProviderRateLimited || mapping.reason == reason::kProviderOverloaded) {
    if (const auto delay = RetryDelay(headers, absl::Now()); delay.has_value()) error.RetryAfter(*delay);
  }
  absl::Status status = WithSource(error, source, RequestId(headers, source.api_key));
  if (mapping.reason != reason::kProviderRateLimited) return status;
  const std::optional<lm::RateLimits> limits = RateLimitsOf(headers, absl::Now());
  return limits.has_value() ? lm::WithRateLimits(std::move(status), *limits) : status;
}

absl::Status CheckResponse(const http::Response& response, const ErrorSource& source, DecodeError decode) {
  const bool json = IsJson(response.headers.Get("content-type"));
  if (response.status < 200 || response.status >= 300) {
    return ErrorOf(response.status, json ? decode(response.body) : ErrorBody(), response.headers, source);
  }
  if (json) return absl::OkStatus();
  Error error(StatusCode::kInternal, reason::kProviderMalformed,
              absl::StrCat("The provider ", source.provider, " did not answer with JSON. Check that providers.",
                           source.provider, ".base_url leads to an API of its kind."));
  return WithSource(error.With("http_status", response.status), source, RequestId(response.headers, source.api_key));
}

}  // namespace dspex::wire
