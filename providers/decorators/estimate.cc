#include "providers/decorators/estimate.h"

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

namespace {

constexpr long long kMediaTokens = 1000;
constexpr long long kUsualOutputLimit = 1024;

// Where the time went, of errors that say so; empty for others.
std::string Phase(const absl::Status& error) {
  const std::string why = ErrorReason(error);
  if (why == reason::kProviderTimeout) return ErrorMetadata(error, "phase");
  if (why == reason::kDeadlineExceeded) return ErrorMetadata(error, "where");
  return "";
}

}  // namespace

long long EstimateInput(const lm::Request& request) {
  lm::PromptSize size = lm::SizeOf(request.turns);
  if (request.prefix != nullptr) size = size + request.prefix->size();
  if (request.options != nullptr) {
    for (const lm::ToolSpec& tool : request.options->tools) {
      size.bytes += tool.name.size() + tool.description.size() + tool.parameters.size();
    }
    if (request.options->response_format.schema != nullptr)
      size.bytes += request.options->response_format.schema->size();
  }
  return size.media * kMediaTokens + EstimateTokens(size.bytes);
}

long long OutputLimit(const lm::Request& request) {
  if (request.options == nullptr) return kUsualOutputLimit;
  return request.options->max_tokens.value_or(kUsualOutputLimit);
}

std::size_t TextBytes(const lm::Delta& delta) {
  if (const auto* text = std::get_if<lm::TextDelta>(&delta)) return text->text.size();
  if (const auto* reasoning = std::get_if<lm::ReasoningDelta>(&delta)) return reasoning->text.size();
  const auto& call = std::get<lm::ToolCallDelta>(delta);
  return call.name.size() + call.arguments.size();
}

long long EstimateOutput(const lm::Response& response) {
  std::size_t bytes = 0;
  for (const lm::Completion& completion : response.completions) {
    bytes += completion.text.size() + (completion.reasoning.has_value() ? completion.reasoning->size() : 0);
    for (const lm::ToolCallPart& call : completion.tool_calls) bytes += call.name.size() + call.arguments.size();
  }
  return EstimateTokens(bytes);
}

bool WasAborted(const absl::Status& error) {
  if (absl::IsCancelled(error)) return true;
  const std::string phase = Phase(error);
  return phase == "first_byte" || phase == "idle" || phase == "total";
}

bool WasNotSent(const absl::Status& error) {
  const std::string why = ErrorReason(error);
  const std::string phase = Phase(error);
  return why == reason::kProviderCircuitOpen || why == reason::kProviderLimitReached ||
         why == reason::kProviderUnreachable || phase == "connect" || phase == "queue";
}

}  // namespace dspex
