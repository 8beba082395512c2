#include "tests/mock_llm/responses.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

#include "tests/mock_llm/wording.h"

namespace dspex::mock_llm {
namespace {

using nlohmann::ordered_json;

ordered_json Usage(const ModelCall& call, const Completion& completion) {
  if (!completion.usage.empty()) return ordered_json::parse(completion.usage);
  const auto [input, output] = CountTokens(call, completion);
  return {{"input_tokens", input},
          {"input_tokens_details", {{"cache_write_tokens", 0}, {"cached_tokens", 0}}},
          {"output_tokens", output},
          {"output_tokens_details", {{"reasoning_tokens", completion.reasoning.size() / 4}}},
          {"total_tokens", input + output}};
}

std::string Status(const Completion& completion) {
  if (completion.finish_reason == "length" || completion.finish_reason == "content_filter") return "incomplete";
  return completion.finish_reason == "failed" ? "failed" : "completed";
}

// A response that has only begun; what the request set stands in it.
ordered_json Opening(const ModelCall& call, int64_t sequence) {
  ordered_json response = {{"id", absl::StrCat("resp_mock_", sequence)},
                           {"object", "response"},
                           {"created_at", std::time(nullptr)},
                           {"status", "in_progress"},
                           {"error", nullptr},
                           {"incomplete_details", nullptr},
                           {"instructions", nullptr},
                           {"max_output_tokens", nullptr},
                           {"metadata", ordered_json::object()},
                           {"model", call.model},
                           {"output", ordered_json::array()},
                           {"parallel_tool_calls", true},
                           {"previous_response_id", nullptr},
                           {"reasoning", {{"effort", nullptr}, {"summary", nullptr}}},
                           {"temperature", 1.0},
                           {"text", {{"format", {{"type", "text"}}}}},
                           {"tool_choice", "auto"},
                           {"tools", ordered_json::array()},
                           {"top_p", 1.0},
                           {"truncation", "disabled"},
                           {"usage", nullptr}};
  if (!call.settings.empty()) response.update(ordered_json::parse(call.settings));
  return response;
}

// An item of the output. `text` is what streams in pieces.
struct Item {
  enum class Kind { kReasoning, kText, kRefusal, kFunction };
  Kind kind;
  std::string id;
  std::string text;
  ordered_json opening;
  ordered_json whole;
  ordered_json logprobs = ordered_json::array();
};

ordered_json PartOf(Item::Kind kind, const std::string& text, ordered_json logprobs = ordered_json::array()) {
  switch (kind) {
    case Item::Kind::kReasoning:
      return {{"type", "summary_text"}, {"text", text}};
    case Item::Kind::kText:
      return {{"type", "output_text"},
              {"annotations", ordered_json::array()},
              {"logprobs", std::move(logprobs)},
              {"text", text}};
    case Item::Kind::kRefusal:
      return {{"type", "refusal"}, {"refusal", text}};
    case Item::Kind::kFunction:
      return {};
  }
  return {};
}

Item ReasoningItem(const ModelCall& call, const std::string& text, int64_t sequence) {
  Item item{Item::Kind::kReasoning, absl::StrCat("rs_mock_", sequence), text, {}, {}};
  item.opening = {{"id", item.id}, {"type", "reasoning"}, {"summary", ordered_json::array()}};
  if (call.encrypted_reasoning) item.opening["encrypted_content"] = absl::StrCat("c2VhbGVkIGJ5IG1vY2s", sequence, "==");
  item.whole = item.opening;
  item.whole["summary"].push_back(PartOf(item.kind, text));
  return item;
}

Item MessageItem(Item::Kind kind, const std::string& text, const ModelCall& call, const Completion& completion,
                 int64_t sequence) {
  Item item{kind, absl::StrCat("msg_mock_", sequence), text, {}, {}};
  if (kind == Item::Kind::kText && call.logprobs && !completion.logprobs.empty()) {
    item.logprobs = ordered_json::parse(completion.logprobs)["content"];
  }
  item.opening = {{"id", item.id},
                  {"type", "message"},
                  {"status", "in_progress"},
                  {"role", "assistant"},
                  {"content", ordered_json::array()}};
  item.whole = item.opening;
  item.whole["status"] = Status(completion) == "incomplete" ? "incomplete" : "completed";
  item.whole["content"].push_back(PartOf(kind, text, item.logprobs));
  return item;
}

Item FunctionItem(const ToolCall& tool, size_t index, int64_t sequence) {
  Item item{Item::Kind::kFunction, absl::StrCat("fc_mock_", sequence, "_", index), tool.arguments, {}, {}};
  item.opening = {{"id", item.id},
                  {"type", "function_call"},
                  {"status", "in_progress"},
                  {"arguments", ""},
                  {"call_id", absl::StrCat("call_mock_", index)},
                  {"name", tool.name}};
  item.whole = item.opening;
  item.whole["status"] = "completed";
  item.whole["arguments"] = tool.arguments;
  return item;
}

std::vector<Item> Items(const ModelCall& call, int64_t sequence, const Completion& completion) {
  std::vector<Item> items;
  if (!completion.reasoning.empty()) items.push_back(ReasoningItem(call, completion.reasoning, sequence));
  if (completion.contents.front().has_value()) {
    items.push_back(MessageItem(Item::Kind::kText, *completion.contents.front(), call, completion, sequence));
  }
  if (!completion.refusal.empty()) {
    items.push_back(MessageItem(Item::Kind::kRefusal, completion.refusal, call, completion, sequence));
  }
  for (size_t i = 0; i < completion.tool_calls.size(); ++i) {
    items.push_back(FunctionItem(completion.tool_calls[i], i, sequence));
  }
  return items;
}

ordered_json Whole(const ModelCall& call, int64_t sequence, const Completion& completion) {
  ordered_json response = Opening(call, sequence);
  response["status"] = Status(completion);
  if (response["status"] == "failed") {
    response["error"] = {{"code", "server_error"}, {"message", "The mock was told to fail."}};
  }
  if (response["status"] == "incomplete") {
    response["incomplete_details"] = {
        {"reason", completion.finish_reason == "length" ? "max_output_tokens" : "content_filter"}};
  }
  for (Item& item : Items(call, sequence, completion)) response["output"].push_back(std::move(item.whole));
  if (!completion.no_usage) response["usage"] = Usage(call, completion);
  return response;
}

// The typed events of a stream, numbered.
class TypedEvents {
 public:
  void Add(absl::string_view type, ordered_json fields, bool content = false) {
    ordered_json data = {{"type", absl::StrCat("response.", type)}, {"sequence_number", events_.size()}};
    data.update(fields);
    events_.push_back({data["type"].get<std::string>(), Dump(data), content});
  }

  void AddItem(const Item& item, size_t index, const StreamShape& shape);

  std::vector<Event> Take() { return std::move(events_); }

 private:
  void AddParts(const Item& item, size_t index, const StreamShape& shape);

  std::vector<Event> events_;
};

void TypedEvents::AddItem(const Item& item, size_t index, const StreamShape& shape) {
  Add("output_item.added", {{"output_index", index}, {"item", item.opening}});
  if (item.kind == Item::Kind::kFunction) {
    const ordered_json place = {{"item_id", item.id}, {"output_index", index}};
    for (absl::string_view piece : CutCharacters(item.text, shape.chunk_chars)) {
      ordered_json fields = place;
      fields["delta"] = std::string(piece);
      Add("function_call_arguments.delta", std::move(fields), true);
    }
    ordered_json fields = place;
    fields["name"] = item.whole["name"];
    fields["arguments"] = item.text;
    Add("function_call_arguments.done", std::move(fields));
  } else {
    AddParts(item, index, shape);
  }
  Add("output_item.done", {{"output_index", index}, {"item", item.whole}});
}

void TypedEvents::AddParts(const Item& item, size_t index, const StreamShape& shape) {
  const bool reasoning = item.kind == Item::Kind::kReasoning;
  const bool refusal = item.kind == Item::Kind::kRefusal;
  const std::string part = reasoning ? "reasoning_summary_part" : "content_part";
  const std::string text = reasoning ? "reasoning_summary_text" : refusal ? "refusal" : "output_text";
  ordered_json logprobs = item.logprobs;
  const auto add = [&](const std::string& type, const char* key, ordered_json value, bool content) {
    ordered_json fields = {{"item_id", item.id},
                           {"output_index", index},
                           {reasoning ? "summary_index" : "content_index", 0},
                           {key, std::move(value)}};
    if (item.kind == Item::Kind::kText && type.starts_with(text)) {
      // All come with the first piece, and with the whole.
      fields["logprobs"] = content ? std::exchange(logprobs, ordered_json::array()) : item.logprobs;
    }
    Add(type, std::move(fields), content);
  };
  add(part + ".added", "part", PartOf(item.kind, ""), false);
  for (absl::string_view piece : CutCharacters(item.text, shape.chunk_chars)) {
    add(text + ".delta", "delta", std::string(piece), true);
  }
  add(text + ".done", refusal ? "refusal" : "text", item.text, false);
  add(part + ".done", "part", PartOf(item.kind, item.text, item.logprobs), false);
}

}  // namespace

std::string ResponsesDialect::Write(const ModelCall& call, int64_t sequence, const Completion& completion) const {
  return Dump(Whole(call, sequence, completion));
}

std::vector<Event> ResponsesDialect::Stream(const ModelCall& call, int64_t sequence, const Completion& completion,
                                            const StreamShape& shape) const {
  TypedEvents events;
  events.Add("created", {{"response", Opening(call, sequence)}});
  events.Add("in_progress", {{"response", Opening(call, sequence)}});
  const std::vector<Item> items = Items(call, sequence, completion);
  for (size_t i = 0; i < items.size(); ++i) events.AddItem(items[i], i, shape);
  if (!shape.no_finish_reason) events.Add(Status(completion), {{"response", Whole(call, sequence, completion)}});
  return events.Take();
}

std::optional<Failure> ResponsesDialect::FailureOf(absl::string_view fault) const { return OpenAiFailure(fault); }

std::string ResponsesDialect::WriteError(const Failure& failure, absl::string_view message,
                                         int64_t /*sequence*/) const {
  return WriteOpenAiError(failure, message);
}

Event ResponsesDialect::ErrorEvent(int64_t /*sequence*/, size_t position) const {
  return {"error",
          Dump({{"type", "error"},
                {"code", "server_error"},
                {"message", "The server had an error in the middle of the stream."},
                {"param", nullptr},
                {"sequence_number", position}}),
          false};
}

}  // namespace dspex::mock_llm
