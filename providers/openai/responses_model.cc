#include "providers/openai/responses_model.h"

#include <utility>

#include "providers/openai/decode.h"
#include "providers/openai/responses_decode.h"
#include "providers/openai/responses_encode.h"
#include "providers/openai/responses_stream_decoder.h"

namespace dspex::openai {

absl::StatusOr<std::shared_ptr<lm::LanguageModel>> NewResponsesModel(ModelOptions options, http::Client& client,
                                                                     PrefixCache& prefixes) {
  wire::HttpModelOptions http = HttpOptions(std::move(options), "/responses");
  http.dialect = {DecodeError, DecodeResponse, NewResponsesStreamDecoder};
  http.encode_head = [model = http.model](const lm::Prefix* prefix) { return EncodeResponsesHead(model, prefix); };
  http.encode_tail = EncodeResponsesTail;
  return wire::NewHttpModel(std::move(http), client, prefixes);
}

}  // namespace dspex::openai
