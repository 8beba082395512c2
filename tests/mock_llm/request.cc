#include "tests/mock_llm/request.h"

#include <absl/strings/match.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace dspex::mock_llm {
namespace {

using nlohmann::json;

constexpr int64_t kMaxChoices = 128;

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

absl::Status ReadChat(const json& body, ModelCall& call) {
  if (!body.contains("messages") || !body["messages"].is_array()) {
    return absl::InvalidArgumentError("messages must be a list.");
  }
  if (body.contains("stream_options") && !call.stream) {
    return absl::InvalidArgumentError("stream_options is for streams only.");
  }
  if (const json n = body.value("n", json()); n.is_number_integer()) {
    call.n = std::clamp<int64_t>(n.get<int64_t>(), 1, kMaxChoices);
  }
  const json options = body.value("stream_options", json());
  call.include_usage = options.is_object() && options.value("include_usage", json()) == true;
  call.last_user = LastUserText(body["messages"]);
  return absl::OkStatus();
}

}  // namespace

std::optional<Face> FaceOf(absl::string_view target) {
  const absl::string_view path = target.substr(0, target.find('?'));
  if (absl::EndsWith(path, "/chat/completions")) return Face::kChat;
  return std::nullopt;
}

absl::StatusOr<ModelCall> ReadCall(Face face, const Headers& /*headers*/, absl::string_view body) {
  const json parsed = json::parse(body.begin(), body.end(), nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return absl::InvalidArgumentError("The body must be a JSON object.");
  ModelCall call;
  call.face = face;
  call.body_bytes = body.size();
  if (const json model = parsed.value("model", json()); model.is_string()) call.model = model.get<std::string>();
  call.stream = parsed.value("stream", json()) == true;
  if (absl::Status status = ReadChat(parsed, call); !status.ok()) return status;
  return call;
}

}  // namespace dspex::mock_llm
