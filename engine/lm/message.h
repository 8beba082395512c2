#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace dspex::lm {

enum class Role { kSystem, kUser, kAssistant, kTool };

struct TextPart {
  std::string text;
};

/// An image, by address ("https://..." or a data URI).
struct ImagePart {
  std::string url;
};

/// Sound, base64 in the named format ("wav", "mp3").
struct AudioPart {
  std::string data;
  std::string format;
};

/// A file, base64 or by the provider's id.
struct FilePart {
  std::string data;
  std::string file_id;
  std::string filename;
};

/// A model's wish to call a tool. Arguments are a JSON text.
struct ToolCallPart {
  std::string id;
  std::string name;
  std::string arguments;
};

/// What the tool of the call `id` gave.
struct ToolResultPart {
  std::string id;
  std::string content;
  bool is_error = false;
};

using Part = std::variant<TextPart, ImagePart, AudioPart, FilePart, ToolCallPart, ToolResultPart>;

/// One turn of a conversation.
struct Message {
  Role role = Role::kUser;
  std::vector<Part> parts;

  static Message Text(Role role, std::string text) {
    Message message{role, {}};
    message.parts.emplace_back(TextPart{std::move(text)});
    return message;
  }
};

}  // namespace dspex::lm
