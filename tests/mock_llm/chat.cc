#include "tests/mock_llm/chat.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "tests/mock_llm/wording.h"

namespace dspex::mock_llm {
namespace {

using nlohmann::ordered_json;

std::string IdOf(int64_t sequence) { return absl::StrCat("chatcmpl-mock-", sequence); }

ordered_json Usage(const ModelCall& call, const Completion& completion) {
  if (!completion.usage.empty()) return ordered_json::parse(completion.usage);
  const auto [prompt, answer] = CountTokens(call, completion);
  return {{"prompt_tokens", prompt}, {"completion_tokens", answer}, {"total_tokens", prompt + answer}};
}

ordered_json FunctionCall(const ToolCall& tool, size_t index, absl::string_view arguments) {
  return {{"id", absl::StrCat("call_mock_", index)},
          {"type", "function"},
          {"function", {{"name", tool.name}, {"arguments", std::string(arguments)}}}};
}

ordered_json Message(const Completion& completion, const std::optional<std::string>& content) {
  ordered_json message = {{"role", "assistant"}, {"content", nullptr}, {"refusal", nullptr}};
  if (content.has_value()) message["content"] = *content;
  if (!completion.refusal.empty()) message["refusal"] = completion.refusal;
  if (!completion.reasoning.empty()) message["reasoning_content"] = completion.reasoning;
  for (const ToolCall& tool : completion.tool_calls) {
    ordered_json& calls = message["tool_calls"];
    calls.push_back(FunctionCall(tool, calls.size(), tool.arguments));
  }
  return message;
}

// Writes chunks; most differ only in a few characters, so they are put together from texts.
class Chunks {
 public:
  Chunks(const ModelCall& call, int64_t sequence)
      : head_(absl::StrCat(R"({"id":")", IdOf(sequence), R"(","object":"chat.completion.chunk","created":)",
                           std::time(nullptr), R"(,"model":)", Quote(call.model), R"(,"choices":[)")),
        tail_(call.include_usage ? R"(],"usage":null})" : "]}") {}

  Event Delta(size_t choice, absl::string_view delta, bool content, absl::string_view logprobs = "null") const {
    return {"", Chunk(choice, delta, logprobs, "null"), content};
  }
  Event Finish(size_t choice, absl::string_view reason) const {
    return {"", Chunk(choice, "{}", "null", Quote(reason)), false};
  }
  Event UsageOnly(const ordered_json& usage) const {
    return {"", absl::StrCat(head_, R"(],"usage":)", Dump(usage), "}"), false};
  }

 private:
  std::string Chunk(size_t choice, absl::string_view delta, absl::string_view logprobs,
                    absl::string_view finish_reason) const {
    return absl::StrCat(head_, R"({"index":)", choice, R"(,"delta":)", delta, R"(,"logprobs":)", logprobs,
                        R"(,"finish_reason":)", finish_reason, "}", tail_);
  }

  const std::string head_;
  const std::string tail_;
};

void AddText(const Chunks& chunks, size_t choice, absl::string_view name, absl::string_view text,
             const StreamShape& shape, std::vector<Event>& events, std::string logprobs = "") {
  for (absl::string_view piece : CutCharacters(text, shape.chunk_chars)) {
    const std::string delta = absl::StrCat(R"({")", name, R"(":)", Quote(piece), "}");
    events.push_back(chunks.Delta(choice, delta, true, logprobs.empty() ? "null" : logprobs));
    logprobs.clear();  // All come with the first piece.
  }
}

void AddToolCalls(const Chunks& chunks, size_t choice, const std::vector<ToolCall>& tools, const StreamShape& shape,
                  std::vector<Event>& events) {
  for (size_t i = 0; i < tools.size(); ++i) {
    ordered_json opening = FunctionCall(tools[i], i, "");
    opening["index"] = i;
    events.push_back(chunks.Delta(choice, absl::StrCat(R"({"tool_calls":[)", Dump(opening), "]}"), true));
    for (absl::string_view piece : CutCharacters(tools[i].arguments, shape.chunk_chars)) {
      const std::string delta =
          absl::StrCat(R"({"tool_calls":[{"index":)", i, R"(,"function":{"arguments":)", Quote(piece), "}}]}");
      events.push_back(chunks.Delta(choice, delta, true));
    }
  }
}

std::vector<Event> ChoiceEvents(const Chunks& chunks, const Completion& completion, size_t choice,
                                const StreamShape& shape) {
  const std::optional<std::string>& content = completion.contents[choice];
  std::vector<Event> events;
  ordered_json role = {{"role", "assistant"}, {"content", nullptr}, {"refusal", nullptr}};
  if (content.has_value()) role["content"] = "";
  events.push_back(chunks.Delta(choice, Dump(role), false));
  AddText(chunks, choice, "reasoning_content", completion.reasoning, shape, events);
  AddText(chunks, choice, "content", content.value_or(""), shape, events, completion.logprobs);
  AddText(chunks, choice, "refusal", completion.refusal, shape, events);
  AddToolCalls(chunks, choice, completion.tool_calls, shape, events);
  if (!shape.no_finish_reason) events.push_back(chunks.Finish(choice, completion.finish_reason));
  return events;
}

// Choices come side by side, as they do from a provider.
std::vector<Event> Interleave(std::vector<std::vector<Event>> choices) {
  std::vector<Event> events;
  size_t longest = 0;
  for (const auto& choice : choices) longest = std::max(longest, choice.size());
  for (size_t i = 0; i < longest; ++i) {
    for (auto& choice : choices) {
      if (i < choice.size()) events.push_back(std::move(choice[i]));
    }
  }
  return events;
}

}  // namespace

std::string ChatDialect::Write(const ModelCall& call, int64_t sequence, const Completion& completion) const {
  ordered_json choices = ordered_json::array();
  for (const auto& content : completion.contents) {
    choices.push_back({{"index", choices.size()},
                       {"message", Message(completion, content)},
                       {"logprobs", completion.logprobs.empty() ? nullptr : ordered_json::parse(completion.logprobs)},
                       {"finish_reason", completion.finish_reason}});
  }
  ordered_json answer = {{"id", IdOf(sequence)},
                         {"object", "chat.completion"},
                         {"created", std::time(nullptr)},
                         {"model", call.model},
                         {"choices", std::move(choices)}};
  if (!completion.no_usage) answer["usage"] = Usage(call, completion);
  return Dump(answer);
}

std::vector<Event> ChatDialect::Stream(const ModelCall& call, int64_t sequence, const Completion& completion,
                                       const StreamShape& shape) const {
  const Chunks chunks(call, sequence);
  std::vector<std::vector<Event>> choices;
  for (size_t i = 0; i < completion.contents.size(); ++i) choices.push_back(ChoiceEvents(chunks, completion, i, shape));
  std::vector<Event> events = Interleave(std::move(choices));
  if (call.include_usage && !completion.no_usage) events.push_back(chunks.UsageOnly(Usage(call, completion)));
  if (!shape.no_done) events.push_back({"", "[DONE]", false});
  return events;
}

std::optional<Failure> ChatDialect::FailureOf(absl::string_view fault) const { return OpenAiFailure(fault); }

std::string ChatDialect::WriteError(const Failure& failure, absl::string_view message, int64_t /*sequence*/) const {
  return WriteOpenAiError(failure, message);
}

Event ChatDialect::ErrorEvent(int64_t /*sequence*/, size_t /*position*/) const {
  return {"", WriteOpenAiError(*OpenAiFailure("server_error"), "The server had an error in the middle of the stream."),
          false};
}

}  // namespace dspex::mock_llm
