#include "providers/anthropic/fields.h"

#include <absl/strings/match.h>

#include <algorithm>

namespace dspex::anthropic {

namespace {

namespace dom = simdjson::dom;

using wire::OptionalCount;
using wire::OptionalText;

std::string ErrorType(dom::object event) {
  dom::object error;
  return event.at_key("error").get(error) == simdjson::SUCCESS ? OptionalText(error, "type") : std::string();
}

// The API has one type for all that is wrong with a request; only the text says more.
absl::string_view CodeOf(absl::string_view type, absl::string_view message) {
  if (type == "billing_error" || absl::StrContains(message, "credit balance is too low")) return "insufficient_quota";
  if (absl::StrContains(message, "prompt is too long") || absl::StrContains(message, "exceed context limit")) {
    return "context_length_exceeded";
  }
  if (absl::StrContains(message, "content filtering policy")) return "content_filter";
  return type;
}

}  // namespace

absl::Status Malformed(absl::string_view problem) { return wire::Malformed("a message of the messages API", problem); }

lm::FinishReason FinishReasonOf(std::string_view stop_reason) {
  if (stop_reason == "end_turn" || stop_reason == "stop_sequence") return lm::FinishReason::kStop;
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded") return lm::FinishReason::kLength;
  if (stop_reason == "tool_use") return lm::FinishReason::kToolCalls;
  if (stop_reason == "refusal") return lm::FinishReason::kRefusal;
  return lm::FinishReason::kOther;
}

void Counts::Read(dom::object message) {
  dom::object usage;
  if (message.at_key("usage").get(usage) != simdjson::SUCCESS) return;
  const auto update = [](long long& count, dom::object object, std::string_view key) {
    count = std::max(count, OptionalCount(object, key));
  };
  update(input_, usage, "input_tokens");
  update(cache_read_, usage, "cache_read_input_tokens");
  update(cache_write_, usage, "cache_creation_input_tokens");
  update(output_, usage, "output_tokens");
  dom::object details;
  if (usage.at_key("output_tokens_details").get(details) != simdjson::SUCCESS) return;
  update(thinking_, details, "thinking_tokens");
}

Usage Counts::usage() const {
  Usage usage;
  // The API counts apart what its cache had to do with.
  usage.input_tokens = input_ + cache_read_ + cache_write_;
  usage.output_tokens = output_;
  usage.cached_input_tokens = cache_read_;
  usage.cache_write_tokens = cache_write_;
  usage.reasoning_tokens = thinking_;
  usage.lm_calls = 1;
  return usage;
}

std::string TextOfBlock(dom::object block) {
  std::string text = simdjson::minify(block);
  return simdjson::validate_utf8(text.data(), text.size()) ? text : std::string();
}

wire::ErrorBody ReadError(dom::object event) {
  dom::object error;
  if (event.at_key("error").get(error) != simdjson::SUCCESS) return {};
  wire::ErrorBody said{.message = OptionalText(error, "message"), .code = {}};
  said.code = std::string(CodeOf(ErrorType(event), said.message));
  return said;
}

int StatusOfError(dom::object event) {
  struct Known {
    absl::string_view type;
    int status;
  };
  constexpr Known kKnown[] = {
      {"invalid_request_error", 400}, {"authentication_error", 401}, {"billing_error", 402},
      {"permission_error", 403},      {"not_found_error", 404},      {"request_too_large", 413},
      {"rate_limit_error", 429},      {"timeout_error", 504},        {"overloaded_error", 529},
  };
  const std::string type = ErrorType(event);
  for (const Known& known : kKnown) {
    if (known.type == type) return known.status;
  }
  return 500;
}

}  // namespace dspex::anthropic
