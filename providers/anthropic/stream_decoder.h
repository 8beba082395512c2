#pragma once

#include <memory>

#include "providers/wire/exchange.h"

namespace dspex::anthropic {

/// Reads the events of a streamed message. What a stream gives is what DecodeMessage gives of the same message whole;
/// the arguments of tool calls are as the model wrote them. `source` outlives the decoder.
std::unique_ptr<wire::StreamDecoder> NewStreamDecoder(const wire::ErrorSource& source, const http::Headers& headers);

}  // namespace dspex::anthropic
