#pragma once

#include <absl/strings/string_view.h>

#include <string>

#include "engine/lm/language_model.h"

namespace dspex::openai {

/// The body of a responses request is EncodeResponsesHead + EncodeResponsesTail: what is the same for all requests of a
/// prefix, and the rest. The head is the text up to and including the prefix's items:
///
///     {"model":"gpt-5","instructions":"...","input":[{"role":"user","content":"..."}
///     ,{"role":"user","content":"..."}],
///      "max_output_tokens":100}
///
/// The instructions are the prefix's first message if that is a system text, as in the client that DSPy 3.4.1 ships.
/// Null stands for no prefix.
std::string EncodeResponsesHead(absl::string_view model, const lm::Prefix* prefix);

/// With `stream`, the answer is asked for as a stream of events.
std::string EncodeResponsesTail(const lm::Request& request, bool stream);

}  // namespace dspex::openai
