#include "providers/openai/responses_stream_decoder.h"

#include <absl/strings/match.h>

#include <map>
#include <optional>
#include <utility>

#include "providers/openai/logprobs.h"
#include "providers/openai/responses_fields.h"
#include "providers/wire/json.h"

namespace dspex::openai {

namespace {

namespace dom = simdjson::dom;

using wire::kMaxItems;
using wire::OptionalText;

// The HTTP status that an error's code stands for.
int StatusOfCode(absl::string_view code) {
  if (absl::StrContains(code, "rate_limit")) return 429;
  return absl::StartsWith(code, "invalid") || absl::StartsWith(code, "image") ? 400 : 500;
}

class Decoder final : public wire::StreamDecoder {
 public:
  Decoder(const wire::ErrorSource& source, const http::Headers& headers) : source_(source), headers_(headers) {
    response_.completions.emplace_back();
    response_.usage.lm_calls = 1;
  }

  absl::Status Put(const wire::SseEvent& event, std::vector<lm::Delta>& deltas) override;
  bool finished() const override { return complete_; }
  bool complete() const override { return complete_; }
  lm::Response Take() override { return std::move(response_); }

 private:
  // Which text of which item a piece belongs to.
  using Place = std::pair<std::int64_t, std::int64_t>;

  absl::Status PutObject(std::string_view type, dom::object event, std::vector<lm::Delta>& deltas);
  absl::Status Failed(dom::object error) const;
  absl::Status StartItem(dom::object event, std::vector<lm::Delta>& deltas);
  absl::Status EndItem(dom::object event, std::vector<lm::Delta>& deltas);
  absl::Status AddText(dom::object event, std::vector<lm::Delta>& deltas);
  absl::Status AddReasoning(dom::object event, std::string_view index_key, std::vector<lm::Delta>& deltas);
  absl::Status AddArguments(dom::object event, std::vector<lm::Delta>& deltas);
  void PutArguments(std::size_t call, std::string text, std::vector<lm::Delta>& deltas);
  void End(dom::object event);

  lm::Completion& completion() { return response_.completions.front(); }

  const wire::ErrorSource& source_;
  const http::Headers headers_;
  wire::EventReader reader_;
  lm::Response response_;
  // Where the calls of the items stand among the completion's, by the items' indices.
  std::map<std::int64_t, std::size_t> calls_;
  std::optional<Place> thought_;
  bool refused_ = false;
  bool complete_ = false;
};

std::int64_t Index(dom::object event, std::string_view key) { return wire::OptionalCount(event, key); }

// The piece that an event adds; false if it is not text.
bool Piece(dom::object event, std::string& text) {
  dom::element delta;
  return event.at_key("delta").get(delta) == simdjson::SUCCESS && wire::AppendText(delta, text);
}

absl::Status NotText() { return MalformedResponse("a piece of the output is not text"); }

absl::Status Decoder::Put(const wire::SseEvent& event, std::vector<lm::Delta>& deltas) {
  // Not this API's, but some that imitate it end all streams alike.
  if (event.data == "[DONE]") return absl::OkStatus();
  dom::object object;
  std::string problem;
  if (!reader_.Read(event.data, object, problem)) return MalformedResponse(problem);
  std::string_view type;
  if (object.at_key("type").get(type) != simdjson::SUCCESS) type = event.type;
  return PutObject(type, object, deltas);
}

// Events of other types repeat what these say, or tell of tools that are not asked for.
absl::Status Decoder::PutObject(std::string_view type, dom::object event, std::vector<lm::Delta>& deltas) {
  if (type == "response.output_text.delta") return AddText(event, deltas);
  if (type == "response.function_call_arguments.delta") return AddArguments(event, deltas);
  if (type == "response.reasoning_summary_text.delta") return AddReasoning(event, "summary_index", deltas);
  if (type == "response.reasoning_text.delta") return AddReasoning(event, "content_index", deltas);
  if (type == "response.output_item.added") return StartItem(event, deltas);
  if (type == "response.output_item.done") return EndItem(event, deltas);
  if (type == "response.refusal.delta" || type == "response.refusal.done") refused_ = true;
  if (type == "response.completed" || type == "response.incomplete") End(event);
  dom::object error;
  if (type == "error") return Failed(event.at_key("error").get(error) == simdjson::SUCCESS ? error : event);
  dom::object response;
  if (event.at_key("response").get(response) != simdjson::SUCCESS) return absl::OkStatus();
  if (response_.model.empty()) response_.model = OptionalText(response, "model");
  if (type != "response.failed" && OptionalText(response, "status") != "failed") return absl::OkStatus();
  return Failed(response.at_key("error").get(error) == simdjson::SUCCESS ? error : response);
}

absl::Status Decoder::Failed(dom::object error) const {
  const wire::ErrorBody said{.message = OptionalText(error, "message"), .code = OptionalText(error, "code")};
  return wire::ErrorOf(StatusOfCode(said.code), said, headers_, source_);
}

absl::Status Decoder::StartItem(dom::object event, std::vector<lm::Delta>& deltas) {
  dom::object item;
  if (event.at_key("item").get(item) != simdjson::SUCCESS) return MalformedResponse("an item begins without one");
  if (OptionalText(item, "type") != "function_call") return absl::OkStatus();
  const std::size_t call = completion().tool_calls.size();
  if (call == kMaxItems) return MalformedResponse("it has too many tool calls");
  lm::ToolCallPart part{OptionalText(item, "call_id"), OptionalText(item, "name"), {}};
  if (part.name.empty()) return MalformedResponse("a tool call has no name");
  deltas.emplace_back(lm::ToolCallDelta{static_cast<int>(call), part.id, part.name, {}});
  completion().tool_calls.push_back(std::move(part));
  calls_[Index(event, "output_index")] = call;
  return absl::OkStatus();
}

absl::Status Decoder::EndItem(dom::object event, std::vector<lm::Delta>& deltas) {
  dom::object item;
  if (event.at_key("item").get(item) != simdjson::SUCCESS) return MalformedResponse("an item ends without one");
  const std::string type = OptionalText(item, "type");
  if (type == "reasoning") {
    if (completion().reasoning_parts.size() == kMaxItems) return MalformedResponse("it has too many items");
    std::string json = TextOfItem(item);
    if (!json.empty()) completion().reasoning_parts.push_back({"openai_responses", std::move(json)});
  }
  const auto found = calls_.find(Index(event, "output_index"));
  if (type != "function_call" || found == calls_.end()) return absl::OkStatus();
  // The arguments may come whole, at the end.
  if (completion().tool_calls[found->second].arguments.empty()) {
    PutArguments(found->second, OptionalText(item, "arguments"), deltas);
  }
  return absl::OkStatus();
}

absl::Status Decoder::AddText(dom::object event, std::vector<lm::Delta>& deltas) {
  std::string text;
  if (!Piece(event, text)) return NotText();
  AppendLogprobs(event, "logprobs", completion().logprobs);
  if (text.empty()) return absl::OkStatus();
  completion().text += text;
  deltas.emplace_back(lm::TextDelta{std::move(text)});
  return absl::OkStatus();
}

absl::Status Decoder::AddReasoning(dom::object event, std::string_view index_key, std::vector<lm::Delta>& deltas) {
  std::string text;
  if (!Piece(event, text)) return NotText();
  if (text.empty()) return absl::OkStatus();
  const Place place(Index(event, "output_index"), Index(event, index_key));
  if (thought_.has_value() && *thought_ != place) text.insert(0, "\n\n");
  thought_ = place;
  if (!completion().reasoning.has_value()) completion().reasoning.emplace();
  *completion().reasoning += text;
  deltas.emplace_back(lm::ReasoningDelta{std::move(text)});
  return absl::OkStatus();
}

absl::Status Decoder::AddArguments(dom::object event, std::vector<lm::Delta>& deltas) {
  std::string text;
  if (!Piece(event, text)) return NotText();
  const auto found = calls_.find(Index(event, "output_index"));
  if (found == calls_.end()) return MalformedResponse("a piece of arguments belongs to no tool call");
  PutArguments(found->second, std::move(text), deltas);
  return absl::OkStatus();
}

void Decoder::PutArguments(std::size_t call, std::string text, std::vector<lm::Delta>& deltas) {
  if (text.empty()) return;
  completion().tool_calls[call].arguments += text;
  deltas.emplace_back(lm::ToolCallDelta{static_cast<int>(call), {}, {}, std::move(text)});
}

void Decoder::End(dom::object event) {
  dom::object response;
  complete_ = event.at_key("response").get(response) == simdjson::SUCCESS;
  if (!complete_) return;
  completion().finish_reason = ResponseFinishReason(response, completion(), refused_);
  response_.usage = ResponseUsage(response);
}

}  // namespace

std::unique_ptr<wire::StreamDecoder> NewResponsesStreamDecoder(const wire::ErrorSource& source,
                                                               const http::Headers& headers) {
  return std::make_unique<Decoder>(source, headers);
}

}  // namespace dspex::openai
