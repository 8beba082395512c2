#include "tests/mock_llm/wording.h"

#include <absl/strings/string_view.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace dspex::mock_llm {
namespace {

using nlohmann::ordered_json;

struct NamedFailure {
  absl::string_view fault;
  int status;
  absl::string_view type;
  absl::string_view code;
};

constexpr std::array kFailures = {
    NamedFailure{"invalid_request", 400, "invalid_request_error", "invalid_value"},
    NamedFailure{"context_length_exceeded", 400, "invalid_request_error", "context_length_exceeded"},
    NamedFailure{"content_filter", 400, "invalid_request_error", "content_policy_violation"},
    NamedFailure{"unauthorized", 401, "invalid_request_error", "invalid_api_key"},
    NamedFailure{"permission_denied", 403, "invalid_request_error", "unsupported_country_region_territory"},
    NamedFailure{"model_not_found", 404, "invalid_request_error", "model_not_found"},
    NamedFailure{"rate_limited", 429, "requests", "rate_limit_exceeded"},
    NamedFailure{"insufficient_quota", 429, "insufficient_quota", "insufficient_quota"},
    NamedFailure{"server_error", 500, "server_error", "server_error"},
    NamedFailure{"unavailable", 503, "server_error", "overloaded"},
    NamedFailure{"overloaded", 503, "server_error", "overloaded"},
};

// The counts in a usage object of any provider's; 0 where it has none.
Counts ScriptedTokens(const std::string& text) {
  const ordered_json usage = ordered_json::parse(text);
  Counts counts;
  for (const auto& [key, value] : usage.items()) {
    if (!value.is_number_unsigned()) continue;
    if (key == "prompt_tokens" || key == "input_tokens") counts.input = value.get<size_t>();
    if (key == "completion_tokens" || key == "output_tokens") counts.output = value.get<size_t>();
  }
  return counts;
}

}  // namespace

std::string Dump(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string Quote(absl::string_view text) { return Dump(ordered_json(std::string(text))); }

Counts CountTokens(const ModelCall& call, const Completion& completion) {
  if (!completion.usage.empty()) return ScriptedTokens(completion.usage);
  size_t bytes = completion.reasoning.size() + completion.refusal.size();
  for (const auto& content : completion.contents) bytes += content.value_or("").size();
  for (const ToolCall& tool : completion.tool_calls) bytes += tool.name.size() + tool.arguments.size();
  return {call.body_bytes / 4 + 1, bytes / 4 + 1};
}

std::optional<Failure> OpenAiFailure(absl::string_view fault) {
  const auto* const found =
      std::find_if(kFailures.begin(), kFailures.end(), [&](const auto& entry) { return entry.fault == fault; });
  if (found == kFailures.end()) return std::nullopt;
  return Failure{found->status, std::string(found->type), std::string(found->code), ""};
}

std::string WriteOpenAiError(const Failure& failure, absl::string_view message) {
  return Dump(
      {{"error",
        {{"message", std::string(message)}, {"type", failure.type}, {"param", nullptr}, {"code", failure.code}}}});
}

}  // namespace dspex::mock_llm
