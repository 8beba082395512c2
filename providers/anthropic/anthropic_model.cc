#include "providers/anthropic/anthropic_model.h"

#include <utility>

#include "providers/anthropic/decode.h"
#include "providers/anthropic/encode.h"
#include "providers/anthropic/stream_decoder.h"
#include "providers/wire/http_model.h"

namespace dspex::anthropic {

absl::StatusOr<std::shared_ptr<lm::LanguageModel>> NewModel(ModelOptions options, http::Client& client,
                                                            PrefixCache& prefixes) {
  wire::HttpModelOptions http;
  http.path = "/messages";
  http.headers.emplace_back("anthropic-version", "2023-06-01");
  if (!options.api_key.empty()) http.headers.emplace_back("x-api-key", options.api_key);
  http.dialect = {DecodeError, DecodeMessage, NewStreamDecoder};
  http.encode_head = [model = options.model](const lm::Prefix* prefix) { return EncodeHead(model, prefix); };
  http.encode_tail = [model = ClassOf(options.model)](const lm::Request& request, bool stream) {
    return EncodeTail(request, model, stream);
  };
  http.provider = std::move(options.provider);
  http.model = std::move(options.model);
  http.api_key = std::move(options.api_key);
  http.capabilities = options.capabilities;
  return wire::NewHttpModel(std::move(http), client, prefixes);
}

}  // namespace dspex::anthropic
