#pragma once

#include <cstddef>
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
  /// How closely to look, "low", "high" or what the provider takes; empty: its own default.
  std::string detail = {};
};

/// Sound, base64 in the named format ("wav", "mp3").
struct AudioPart {
  std::string data;
  std::string format;
};

/// A file, as a data URI or by the provider's id.
struct FilePart {
  std::string data;
  std::string file_id;
  std::string filename;
};

/// A text or a PDF that an answer may cite. `data` is the text, or the PDF in base64.
struct DocumentPart {
  std::string data;
  /// "text/plain" or "application/pdf".
  std::string media_type;
  std::string title = {};
  std::string context = {};
};

/// A block of content that has no part of its own, as JSON text in OpenAI's shape: for providers that take it as it is.
struct BlockPart {
  std::string json;
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
  /// The tool's name; empty: not sent.
  std::string name = {};
};

/// What a reasoning model thought, in its provider's own form, a JSON text: given back to it as it came. Other
/// providers are not sent it.
struct ReasoningPart {
  /// The dialect that it is in, "anthropic" or "openai_responses".
  std::string dialect;
  std::string json;
};

using Part = std::variant<TextPart, ImagePart, AudioPart, FilePart, DocumentPart, BlockPart, ToolCallPart,
                          ToolResultPart, ReasoningPart>;

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

/// How much a prompt holds.
struct PromptSize {
  /// Of texts, tool calls and results.
  std::size_t bytes = 0;
  /// Images, sounds, files.
  int media = 0;

  friend PromptSize operator+(PromptSize a, const PromptSize& b) { return {a.bytes + b.bytes, a.media + b.media}; }
};

PromptSize SizeOf(const std::vector<Message>& messages);

}  // namespace dspex::lm
