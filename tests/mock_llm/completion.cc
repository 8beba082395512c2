#include "tests/mock_llm/completion.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

namespace dspex::mock_llm {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int64_t kMaxChoices = 128;
constexpr absl::string_view kOpen = "[[ ## ";
constexpr absl::string_view kClose = " ## ]]";

// Texts may hold anything a request held; what is not UTF-8 becomes U+FFFD.
template <typename Json>
std::string Dump(const Json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string TextOf(const json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (!content.is_array()) return text;
  for (const json& part : content) {
    const auto found = part.is_object() ? part.find("text") : part.end();
    if (found != part.end() && found->is_string()) text += found->get_ref<const std::string&>();
  }
  return text;
}

std::string LastUserText(const json& messages) {
  for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
    if (message->is_object() && message->contains("content") && message->value("role", json()) == "user") {
      return TextOf(message->at("content"));
    }
  }
  return "";
}

// The names in the markers of a line, in order.
std::vector<absl::string_view> MarkersIn(absl::string_view line) {
  std::vector<absl::string_view> names;
  for (size_t at = line.find(kOpen); at != line.npos; at = line.find(kOpen, at)) {
    at += kOpen.size();
    const size_t end = line.find(kClose, at);
    if (end == line.npos) break;
    names.push_back(line.substr(at, end - at));
    at = end + kClose.size();
  }
  return names;
}

ordered_json CountUsage(const ChatRequest& request, const Completion& completion) {
  size_t bytes = completion.tool_calls.size();
  for (const auto& content : completion.contents) bytes += content.value_or("").size();
  const size_t prompt = request.body_bytes / 4 + 1;
  const size_t answer = bytes / 4 + 1;
  return {{"prompt_tokens", prompt}, {"completion_tokens", answer}, {"total_tokens", prompt + answer}};
}

}  // namespace

std::optional<ChatRequest> ReadChatRequest(absl::string_view body) {
  const json parsed = json::parse(body.begin(), body.end(), nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object() || !parsed.contains("messages") || !parsed.at("messages").is_array()) return std::nullopt;
  if (parsed.value("stream", json(false)) == true) return std::nullopt;
  ChatRequest request;
  if (const json model = parsed.value("model", json()); model.is_string()) request.model = model.get<std::string>();
  if (const json n = parsed.value("n", json()); n.is_number_integer()) {
    request.n = std::clamp<int64_t>(n.get<int64_t>(), 1, kMaxChoices);
  }
  request.last_user = LastUserText(parsed.at("messages"));
  request.body_bytes = body.size();
  return request;
}

std::string WriteCompletion(const ChatRequest& request, int64_t sequence, const Completion& completion) {
  ordered_json choices = ordered_json::array();
  for (const auto& content : completion.contents) {
    ordered_json message = {{"role", "assistant"}, {"content", nullptr}, {"refusal", nullptr}};
    if (content.has_value()) message["content"] = *content;
    if (!completion.tool_calls.empty()) message["tool_calls"] = ordered_json::parse(completion.tool_calls);
    choices.push_back({{"index", choices.size()},
                       {"message", std::move(message)},
                       {"logprobs", nullptr},
                       {"finish_reason", completion.finish_reason}});
  }
  return Dump(ordered_json{
      {"id", absl::StrCat("chatcmpl-mock-", sequence)},
      {"object", "chat.completion"},
      {"created", std::time(nullptr)},
      {"model", request.model},
      {"choices", std::move(choices)},
      {"usage", completion.usage.empty() ? CountUsage(request, completion) : ordered_json::parse(completion.usage)}});
}

std::string WriteError(absl::string_view message, absl::string_view type, absl::string_view code) {
  return Dump(ordered_json{{"error",
                            {{"message", std::string(message)},
                             {"type", std::string(type)},
                             {"param", nullptr},
                             {"code", std::string(code)}}}});
}

std::string FillTemplate(absl::string_view text, const ChatRequest& request, int64_t sequence) {
  if (!absl::StrContains(text, "{{")) return std::string(text);
  return absl::StrReplaceAll(text, {{"{{last_user}}", request.last_user},
                                    {"{{model}}", request.model},
                                    {"{{n}}", absl::StrCat(sequence)},
                                    {"{{fields}}", AnswerFields(request.last_user)}});
}

std::string AnswerFields(absl::string_view last_user) {
  std::vector<absl::string_view> names;
  for (absl::string_view line : absl::StrSplit(last_user, '\n')) {
    std::vector<absl::string_view> markers = MarkersIn(line);
    // A marker on a line of its own opens an input; the line that names the last marker among others is the reminder.
    if (markers.size() > 1 && markers.back() == "completed") names = std::move(markers);
  }
  if (names.empty()) return "mock";
  std::string text;
  for (absl::string_view name : names) {
    absl::StrAppend(&text, text.empty() ? "" : "\n\n", kOpen, name, kClose, name == "completed" ? "" : "\nmock");
  }
  return text;
}

}  // namespace dspex::mock_llm
