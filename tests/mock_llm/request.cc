#include "tests/mock_llm/request.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace dspex::mock_llm {
namespace {

using json = nlohmann::ordered_json;  // The properties of a schema have an order.

constexpr int64_t kMaxChoices = 128;

// What stands in an object under a key; null if it is no object or has no such key.
const json& At(const json& object, const char* key) {
  static const json null;
  if (!object.is_object()) return null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

// The text of a content, whatever its parts are called; results of tools have contents of their own.
std::string TextOf(const json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (!content.is_array()) return text;
  for (const json& part : content) {
    if (At(part, "text").is_string()) text += At(part, "text").get_ref<const std::string&>();
    if (At(part, "type") == "tool_result") text += TextOf(At(part, "content"));
  }
  return text;
}

// The turns of a conversation, which may also be a text.
void TakeTurns(const json& messages, ModelCall& call) {
  if (!messages.is_array()) {
    call.last_user = TextOf(messages);
    return;
  }
  bool asked = false;
  std::string answer;  // To the last turn of the user.
  for (const json& message : messages) {
    const json& content = At(message, "content");
    if (content.is_null()) continue;
    if (At(message, "role") == "user") {
      if (asked && !answer.empty()) call.demonstrations.push_back({std::move(call.last_user), std::move(answer)});
      call.last_user = TextOf(content);
      answer.clear();
      asked = true;
    } else if (At(message, "role") == "assistant" && answer.empty()) {
      answer = TextOf(content);
    }
  }
}

void TakeSchema(const json& format, const json& schema, ModelCall& call) {
  if (At(format, "type") == "json_schema" && schema.is_object()) call.schema = schema.dump();
}

absl::Status ReadChat(const json& body, ModelCall& call) {
  if (!At(body, "messages").is_array()) return absl::InvalidArgumentError("messages must be a list.");
  if (body.contains("stream_options") && !call.stream) {
    return absl::InvalidArgumentError("stream_options is for streams only.");
  }
  if (body.contains("top_logprobs") && At(body, "logprobs") != true) {
    return absl::InvalidArgumentError("top_logprobs needs logprobs.");
  }
  if (const json& n = At(body, "n"); n.is_number_integer()) {
    call.n = std::clamp<int64_t>(n.get<int64_t>(), 1, kMaxChoices);
  }
  call.include_usage = At(At(body, "stream_options"), "include_usage") == true;
  TakeTurns(At(body, "messages"), call);
  const json& format = At(body, "response_format");
  TakeSchema(format, At(At(format, "json_schema"), "schema"), call);
  return absl::OkStatus();
}

std::optional<absl::string_view> Find(const Headers& headers, absl::string_view name) {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
  if (found == headers.end()) return std::nullopt;
  return found->second;
}

// The versions of the interface differ in what they take.
absl::Status CheckVersion(const Headers& headers, const json& body) {
  const absl::string_view version = Find(headers, "anthropic-version").value_or("");
  if (version == "2023-06-01") return absl::OkStatus();
  if (version.empty()) return absl::InvalidArgumentError("anthropic-version: header is required");
  if (version != "2026-10-21") {
    return absl::InvalidArgumentError(absl::StrCat("anthropic-version: \"", version, "\" is not a valid version"));
  }
  for (const char* key : {"temperature", "top_p", "top_k"}) {
    if (body.contains(key)) return absl::InvalidArgumentError(absl::StrCat(key, ": Extra inputs are not permitted"));
  }
  return absl::OkStatus();
}

// Beside thoughts.
absl::Status CheckSampling(const json& body) {
  const json& thinking = At(At(body, "thinking"), "type");
  if (thinking != "enabled" && thinking != "adaptive") return absl::OkStatus();
  if (const json& temperature = At(body, "temperature"); temperature.is_number() && temperature != 1) {
    return absl::InvalidArgumentError("temperature: only 1 goes with thinking");
  }
  if (const json& top_p = At(body, "top_p"); top_p.is_number() && top_p < 0.95) {
    return absl::InvalidArgumentError("top_p: only 0.95 and more go with thinking");
  }
  return absl::OkStatus();
}

absl::Status ReadMessages(const Headers& headers, const json& body, ModelCall& call) {
  if (!Find(headers, "x-api-key").has_value() && !Find(headers, "authorization").has_value()) {
    return absl::UnauthenticatedError("x-api-key header is required");
  }
  if (absl::Status status = CheckVersion(headers, body); !status.ok()) return status;
  if (absl::Status status = CheckSampling(body); !status.ok()) return status;
  if (!At(body, "max_tokens").is_number_unsigned()) {
    return absl::InvalidArgumentError("max_tokens: a number above 0 is required");
  }
  const json& messages = At(body, "messages");
  if (!messages.is_array() || messages.empty()) return absl::InvalidArgumentError("messages: a list is required");
  for (const json& message : messages) {
    if (At(message, "role") != "user" && At(message, "role") != "assistant") {
      return absl::InvalidArgumentError("messages: a role is user or assistant; system stands beside them");
    }
  }
  TakeTurns(messages, call);
  const json& format = At(At(body, "output_config"), "format");
  TakeSchema(format, At(format, "schema"), call);
  return absl::OkStatus();
}

absl::Status ReadResponses(const json& body, ModelCall& call) {
  const json& input = At(body, "input");
  if (!input.is_string() && !input.is_array()) return absl::InvalidArgumentError("input must be a text or a list.");
  if (body.contains("messages")) return absl::InvalidArgumentError("messages is not a parameter here; it is input.");
  TakeTurns(input, call);
  const json& format = At(At(body, "text"), "format");
  TakeSchema(format, At(format, "schema"), call);
  const json& include = At(body, "include");
  call.encrypted_reasoning =
      include.is_array() && std::find(include.begin(), include.end(), "reasoning.encrypted_content") != include.end();
  call.logprobs =
      include.is_array() && std::find(include.begin(), include.end(), "message.output_text.logprobs") != include.end();
  json settings = json::object();
  for (const char* key : {"instructions", "max_output_tokens", "metadata", "parallel_tool_calls", "reasoning",
                          "temperature", "text", "tool_choice", "tools", "top_p"}) {
    if (!At(body, key).is_null()) settings[key] = At(body, key);
  }
  call.settings = settings.dump(-1, ' ', false, json::error_handler_t::replace);
  return absl::OkStatus();
}

absl::Status ReadFace(const Headers& headers, const json& body, ModelCall& call) {
  switch (call.face) {
    case Face::kChat:
      return ReadChat(body, call);
    case Face::kMessages:
      return ReadMessages(headers, body, call);
    case Face::kResponses:
      return ReadResponses(body, call);
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<Face> FaceOf(absl::string_view target) {
  const absl::string_view path = target.substr(0, target.find('?'));
  if (absl::EndsWith(path, "/chat/completions")) return Face::kChat;
  if (absl::EndsWith(path, "/messages")) return Face::kMessages;
  if (absl::EndsWith(path, "/responses")) return Face::kResponses;
  return std::nullopt;
}

absl::StatusOr<ModelCall> ReadCall(Face face, const Headers& headers, absl::string_view body) {
  const json parsed = json::parse(body.begin(), body.end(), nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return absl::InvalidArgumentError("The body must be a JSON object.");
  ModelCall call;
  call.face = face;
  call.body_bytes = body.size();
  if (const json& model = At(parsed, "model"); model.is_string()) call.model = model.get<std::string>();
  call.stream = At(parsed, "stream") == true;
  if (absl::Status status = ReadFace(headers, parsed, call); !status.ok()) return status;
  return call;
}

}  // namespace dspex::mock_llm
