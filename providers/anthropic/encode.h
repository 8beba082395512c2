#pragma once

#include <absl/strings/string_view.h>

#include <string>

#include "engine/lm/language_model.h"
#include "providers/anthropic/model_class.h"

namespace dspex::anthropic {

/// The body of a messages request is EncodeHead + EncodeTail: what is the same for all requests of a prefix, and the
/// rest. The head is the text up to and including the prefix's last block, whose turn is left open for a turn of the
/// same side:
///
///     {"model":"claude-sonnet-4-5","system":[{"type":"text","text":"..."}],"messages":[{"role":"user","content":[{...}]},
///      {"role":"assistant","content":[{...} ]},{"role":"user","content":[{...}]}],"max_tokens":4096}
///
/// Turns of one side that follow each other become one. Texts without a visible character are left out, as the API
/// refuses them. The last block of a long prefix that others will use, too, is marked for the API's cache of prompts.
/// Null stands for no prefix.
std::string EncodeHead(absl::string_view model, const lm::Prefix* prefix);

/// With `stream`, the answer is asked for as a stream of events.
std::string EncodeTail(const lm::Request& request, const ModelClass& model, bool stream);

}  // namespace dspex::anthropic
