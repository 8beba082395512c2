#include "providers/openai/chat_json.h"

#include <utility>

namespace dspex::openai {

using wire::OptionalCount;
using wire::OptionalText;

namespace dom = simdjson::dom;

lm::FinishReason FinishReasonOf(absl::string_view text) {
  if (text.empty() || text == "stop") return lm::FinishReason::kStop;
  if (text == "length") return lm::FinishReason::kLength;
  if (text == "tool_calls" || text == "function_call") return lm::FinishReason::kToolCalls;
  if (text == "content_filter") return lm::FinishReason::kContentFilter;
  return lm::FinishReason::kOther;
}

Usage UsageOf(dom::object response) {
  Usage result{.lm_calls = 1};
  dom::object usage;
  if (response.at_key("usage").get(usage) != simdjson::SUCCESS) return result;
  result.input_tokens = OptionalCount(usage, "prompt_tokens");
  result.output_tokens = OptionalCount(usage, "completion_tokens");
  dom::object details;
  if (usage.at_key("prompt_tokens_details").get(details) == simdjson::SUCCESS) {
    result.cached_input_tokens = OptionalCount(details, "cached_tokens");
  }
  if (usage.at_key("completion_tokens_details").get(details) == simdjson::SUCCESS) {
    result.reasoning_tokens = OptionalCount(details, "reasoning_tokens");
  }
  return result;
}

wire::ErrorBody ErrorBodyOf(dom::object response) {
  dom::object error;
  // Some servers say no more than a text, or leave the object around it out.
  if (response.at_key("error").get(error) != simdjson::SUCCESS) {
    std::string text = OptionalText(response, "error");
    return {text.empty() ? OptionalText(response, "message") : std::move(text), ""};
  }
  wire::ErrorBody said{.message = OptionalText(error, "message"), .code = OptionalText(error, "code")};
  if (said.code.empty()) said.code = OptionalText(error, "type");
  return said;
}

}  // namespace dspex::openai
