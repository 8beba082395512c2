#include "providers/openai/stream_decoder.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/numbers.h>

#include <utility>

#include "providers/openai/chat_json.h"
#include "providers/openai/logprobs.h"

namespace dspex::openai {

namespace {

using wire::AppendText;
using wire::OptionalText;

namespace dom = simdjson::dom;

absl::Status Malformed(absl::string_view problem) { return wire::Malformed("a streamed chat completion", problem); }

// The HTTP status that an error within a stream stands for: a number among its words, or what its words are of.
int StatusOf(const wire::ErrorBody& error) {
  int status = 0;
  if (absl::SimpleAtoi(error.code, &status) && status >= 400 && status < 600) return status;
  if (error.code == "rate_limit_exceeded" || error.code == "rate_limit_error") return 429;
  if (error.code == "invalid_request_error") return 400;
  return 500;
}

class ChatStreamDecoder final : public wire::StreamDecoder {
 public:
  ChatStreamDecoder(const wire::ErrorSource& source, const http::Headers& headers)
      : source_(source), headers_(headers) {}

  absl::Status Put(const wire::SseEvent& event, std::vector<lm::Delta>& deltas) override;
  bool finished() const override { return finished_ || done_; }
  bool complete() const override { return done_; }
  lm::Response Take() override;

 private:
  absl::Status PutChoice(dom::object choice, std::vector<lm::Delta>& deltas);
  absl::Status PutText(dom::object delta, std::vector<lm::Delta>& deltas);
  absl::Status PutToolCalls(dom::object delta, std::vector<lm::Delta>& deltas);
  absl::Status PutToolCall(dom::object call, std::vector<lm::Delta>& deltas);
  std::size_t PlaceOf(dom::object call, const std::string& id);

  const wire::ErrorSource& source_;
  const http::Headers headers_;
  wire::EventReader reader_;
  lm::Response response_;
  lm::Completion completion_;
  /// Places in completion_.tool_calls by the numbers that the server gives them.
  absl::flat_hash_map<std::int64_t, std::size_t> places_;
  bool refused_ = false;
  bool finished_ = false;
  bool done_ = false;
};

absl::Status ChatStreamDecoder::Put(const wire::SseEvent& event, std::vector<lm::Delta>& deltas) {
  if (event.data == "[DONE]") {
    done_ = true;
    return absl::OkStatus();
  }
  std::string problem;
  dom::object object;
  if (!reader_.Read(event.data, object, problem)) return Malformed(problem);
  dom::element error;
  if (object.at_key("error").get(error) == simdjson::SUCCESS && !error.is_null()) {
    const wire::ErrorBody said = ErrorBodyOf(object);
    return wire::ErrorOf(StatusOf(said), said, headers_, source_);
  }
  if (response_.model.empty()) response_.model = OptionalText(object, "model");
  // Most chunks say that there is none yet; some servers count in each.
  dom::object usage;
  if (object.at_key("usage").get(usage) == simdjson::SUCCESS) response_.usage = UsageOf(object);
  dom::array choices;
  if (object.at_key("choices").get(choices) != simdjson::SUCCESS) return absl::OkStatus();
  for (const dom::element element : choices) {
    dom::object choice;
    std::int64_t index = 0;
    if (element.get(choice) != simdjson::SUCCESS) return Malformed("a choice is no JSON object");
    if (choice.at_key("index").get(index) == simdjson::SUCCESS && index != 0) continue;
    absl::Status put = PutChoice(choice, deltas);
    if (!put.ok()) return put;
  }
  return absl::OkStatus();
}

absl::Status ChatStreamDecoder::PutChoice(dom::object choice, std::vector<lm::Delta>& deltas) {
  dom::object delta;
  if (choice.at_key("delta").get(delta) == simdjson::SUCCESS) {
    absl::Status put = PutText(delta, deltas);
    if (put.ok()) put = PutToolCalls(delta, deltas);
    if (!put.ok()) return put;
  }
  dom::object logprobs;
  if (choice.at_key("logprobs").get(logprobs) == simdjson::SUCCESS) {
    AppendLogprobs(logprobs, "content", completion_.logprobs);
  }
  const std::string reason = OptionalText(choice, "finish_reason");
  if (reason.empty()) return absl::OkStatus();
  completion_.finish_reason = refused_ ? lm::FinishReason::kRefusal : FinishReasonOf(reason);
  finished_ = true;
  return absl::OkStatus();
}

absl::Status ChatStreamDecoder::PutText(dom::object delta, std::vector<lm::Delta>& deltas) {
  for (const std::string_view key : {"reasoning_content", "reasoning"}) {
    std::string reasoning = OptionalText(delta, key);
    if (reasoning.empty()) continue;
    if (!completion_.reasoning.has_value()) completion_.reasoning.emplace();
    *completion_.reasoning += reasoning;
    deltas.emplace_back(lm::ReasoningDelta{std::move(reasoning)});
    break;
  }
  if (!OptionalText(delta, "refusal").empty()) refused_ = true;
  dom::element content;
  if (delta.at_key("content").get(content) != simdjson::SUCCESS || content.is_null()) return absl::OkStatus();
  std::string text;
  if (!AppendText(content, text)) return Malformed("delta.content is not text");
  if (text.empty()) return absl::OkStatus();
  completion_.text += text;
  deltas.emplace_back(lm::TextDelta{std::move(text)});
  return absl::OkStatus();
}

absl::Status ChatStreamDecoder::PutToolCalls(dom::object delta, std::vector<lm::Delta>& deltas) {
  dom::array calls;
  if (delta.at_key("tool_calls").get(calls) != simdjson::SUCCESS) return absl::OkStatus();
  for (const dom::element element : calls) {
    dom::object call;
    if (element.get(call) != simdjson::SUCCESS) return Malformed("a tool call is no JSON object");
    absl::Status put = PutToolCall(call, deltas);
    if (!put.ok()) return put;
  }
  return absl::OkStatus();
}

absl::Status ChatStreamDecoder::PutToolCall(dom::object call, std::vector<lm::Delta>& deltas) {
  lm::ToolCallDelta delta{.index = 0, .id = OptionalText(call, "id"), .name = {}, .arguments = {}};
  dom::object function;
  if (call.at_key("function").get(function) == simdjson::SUCCESS) {
    delta.name = OptionalText(function, "name");
    dom::object arguments;
    if (function.at_key("arguments").get(arguments) == simdjson::SUCCESS) {
      delta.arguments = simdjson::minify(arguments);
      if (!simdjson::validate_utf8(delta.arguments)) return Malformed("a tool call's arguments are not UTF-8");
    } else {
      delta.arguments = OptionalText(function, "arguments");
    }
  }
  const std::size_t place = PlaceOf(call, delta.id);
  if (place >= wire::kMaxItems) return Malformed("it has too many tool calls");
  lm::ToolCallPart& part = completion_.tool_calls[place];
  if (part.id.empty()) part.id = delta.id;
  if (part.name.empty()) part.name = delta.name;
  part.arguments += delta.arguments;
  delta.index = static_cast<int>(place);
  deltas.emplace_back(std::move(delta));
  return absl::OkStatus();
}

// Without a number, an id begins a call and what has none goes on with the last.
std::size_t ChatStreamDecoder::PlaceOf(dom::object call, const std::string& id) {
  std::vector<lm::ToolCallPart>& calls = completion_.tool_calls;
  std::int64_t index = 0;
  std::size_t place = calls.size();
  if (call.at_key("index").get(index) == simdjson::SUCCESS) {
    place = places_.emplace(index, place).first->second;
  } else if (id.empty() && !calls.empty()) {
    place = calls.size() - 1;
  }
  if (place == calls.size() && place < wire::kMaxItems) calls.emplace_back();
  return place;
}

lm::Response ChatStreamDecoder::Take() {
  response_.usage.lm_calls = 1;
  response_.completions.push_back(std::move(completion_));
  return std::move(response_);
}

}  // namespace

std::unique_ptr<wire::StreamDecoder> NewStreamDecoder(const wire::ErrorSource& source, const http::Headers& headers) {
  return std::make_unique<ChatStreamDecoder>(source, headers);
}

}  // namespace dspex::openai
