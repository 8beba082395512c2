#include "providers/decorators/estimate.h"

#include <variant>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

namespace {

constexpr long long kMediaTokens = 1000;
constexpr long long kUsualOutputLimit = 1024;

struct PartSize {
  long long tokens = 0;
  std::size_t bytes = 0;

  void operator()(const lm::TextPart& part) { bytes += part.text.size(); }
  void operator()(const lm::ImagePart&) { tokens += kMediaTokens; }
  void operator()(const lm::AudioPart&) { tokens += kMediaTokens; }
  void operator()(const lm::FilePart&) { tokens += kMediaTokens; }
  void operator()(const lm::DocumentPart& part) {
    if (part.media_type == "text/plain") {
      bytes += part.data.size();
    } else {
      tokens += kMediaTokens;
    }
    bytes += part.title.size() + part.context.size();
  }
  void operator()(const lm::BlockPart&) { tokens += kMediaTokens; }
  void operator()(const lm::ToolCallPart& part) { bytes += part.name.size() + part.arguments.size(); }
  void operator()(const lm::ToolResultPart& part) { bytes += part.content.size(); }
  void operator()(const lm::ReasoningPart& part) { bytes += part.json.size(); }
};

void Add(const std::vector<lm::Message>& messages, PartSize& size) {
  for (const lm::Message& message : messages) {
    for (const lm::Part& part : message.parts) std::visit(size, part);
  }
}

// Where the time went, of errors that say so; empty for others.
std::string Phase(const absl::Status& error) {
  const std::string why = ErrorReason(error);
  if (why == reason::kProviderTimeout) return ErrorMetadata(error, "phase");
  if (why == reason::kDeadlineExceeded) return ErrorMetadata(error, "where");
  return "";
}

}  // namespace

long long EstimateInput(const lm::Request& request) {
  PartSize size;
  if (request.prefix != nullptr) Add(request.prefix->messages(), size);
  Add(request.turns, size);
  if (request.options != nullptr) {
    for (const lm::ToolSpec& tool : request.options->tools) {
      size.bytes += tool.name.size() + tool.description.size() + tool.parameters.size();
    }
    if (request.options->response_format.schema != nullptr)
      size.bytes += request.options->response_format.schema->size();
  }
  return size.tokens + EstimateTokens(size.bytes);
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
