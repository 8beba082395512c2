#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dspex::mock_llm {

/// What a chat completions request says that answers depend on.
struct ChatRequest {
  std::string model;
  std::string last_user;
  int64_t n = 1;
  size_t body_bytes = 0;
};

/// Reads a request's body; nullopt unless it is a JSON object with messages that asks for no stream.
std::optional<ChatRequest> ReadChatRequest(absl::string_view body);

/// What goes into a response. JSON texts stand in it as they are.
struct Completion {
  std::vector<std::optional<std::string>> contents;  ///< One for each choice.
  std::string tool_calls;                            ///< JSON; empty for none.
  std::string finish_reason;
  std::string usage;  ///< JSON; empty: about a token for four bytes.
};

/// A chat.completion object.
std::string WriteCompletion(const ChatRequest& request, int64_t sequence, const Completion& completion);

/// An error object as OpenAI sends it.
std::string WriteError(absl::string_view message, absl::string_view type, absl::string_view code);

/// A template with its {{last_user}}, {{model}}, {{n}} and {{fields}} filled in.
std::string FillTemplate(absl::string_view text, const ChatRequest& request, int64_t sequence);

/// A completion in the section-marker format for the fields that a user message asks for; "mock" if it asks for none.
std::string AnswerFields(absl::string_view last_user);

}  // namespace dspex::mock_llm
