#include "providers/openai/responses_fields.h"

namespace dspex::openai {

namespace {

namespace dom = simdjson::dom;

long long DetailCount(dom::object usage, std::string_view details, std::string_view key) {
  dom::object object;
  return usage.at_key(details).get(object) == simdjson::SUCCESS ? wire::OptionalCount(object, key) : 0;
}

}  // namespace

absl::Status MalformedResponse(absl::string_view problem) {
  return wire::Malformed("a response of the responses API", problem);
}

lm::FinishReason ResponseFinishReason(dom::object response, const lm::Completion& completion, bool refused) {
  const std::string status = wire::OptionalText(response, "status");
  if (status == "incomplete") {
    dom::object details;
    std::string reason;
    if (response.at_key("incomplete_details").get(details) == simdjson::SUCCESS) {
      reason = wire::OptionalText(details, "reason");
    }
    // What else could have ended it early, where nothing is said.
    if (reason.empty() || reason == "max_output_tokens") return lm::FinishReason::kLength;
    return reason == "content_filter" ? lm::FinishReason::kContentFilter : lm::FinishReason::kOther;
  }
  if (refused) return lm::FinishReason::kRefusal;
  // Servers that imitate the API may leave it out.
  if (!status.empty() && status != "completed") return lm::FinishReason::kOther;
  return completion.tool_calls.empty() ? lm::FinishReason::kStop : lm::FinishReason::kToolCalls;
}

Usage ResponseUsage(dom::object response) {
  Usage usage;
  usage.lm_calls = 1;
  dom::object told;
  if (response.at_key("usage").get(told) != simdjson::SUCCESS) return usage;
  usage.input_tokens = wire::OptionalCount(told, "input_tokens");
  usage.output_tokens = wire::OptionalCount(told, "output_tokens");
  usage.cached_input_tokens = DetailCount(told, "input_tokens_details", "cached_tokens");
  usage.reasoning_tokens = DetailCount(told, "output_tokens_details", "reasoning_tokens");
  return usage;
}

std::string TextOfItem(dom::object item) {
  std::string text = simdjson::minify(item);
  return simdjson::validate_utf8(text.data(), text.size()) ? text : std::string();
}

}  // namespace dspex::openai
