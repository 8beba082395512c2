#pragma once

#include <memory>

#include "providers/wire/exchange.h"

namespace dspex::openai {

/// Reads the events of a streamed response of the responses API. What a stream gives is what DecodeResponse gives of
/// the same response whole. `source` outlives the decoder.
std::unique_ptr<wire::StreamDecoder> NewResponsesStreamDecoder(const wire::ErrorSource& source,
                                                               const http::Headers& headers);

}  // namespace dspex::openai
