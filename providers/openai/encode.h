#pragma once

#include <absl/strings/string_view.h>

#include <string>
#include <vector>

#include "engine/lm/language_model.h"

namespace dspex::openai {

/// Where servers of OpenAI's dialect differ.
struct Dialect {
  /// The key of the limit on output: OpenAI's own models take "max_completion_tokens", other servers "max_tokens".
  absl::string_view max_tokens_key = "max_tokens";
};

/// The body of a chat completions request is EncodeHead + EncodeTail: what is the same for all requests of a prefix,
/// and the rest. The head is the text up to and including the prefix's messages:
///
///     {"model":"gpt-4o-mini","messages":[{"role":"system","content":"..."} ,{"role":"user","content":"..."}],"seed":1}
///
/// Null stands for no prefix. `stream` asks for the completion as it comes, its usage at the end.
std::string EncodeHead(absl::string_view model, const lm::Prefix* prefix);
std::string EncodeTail(const lm::Request& request, const Dialect& dialect, bool stream = false);

}  // namespace dspex::openai
