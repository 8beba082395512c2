#pragma once

#include <memory>

#include "providers/wire/exchange.h"

namespace dspex::openai {

/// Reads the chunks of a streamed chat completion (`chat.completion.chunk`), of its first choice. Takes what servers
/// make of them: no usage, no `[DONE]`, tool calls without an index or with their arguments as an object.
std::unique_ptr<wire::StreamDecoder> NewStreamDecoder(const wire::ErrorSource& source, const http::Headers& headers);

}  // namespace dspex::openai
