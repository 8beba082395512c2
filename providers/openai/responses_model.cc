#include "providers/openai/responses_model.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "providers/openai/decode.h"
#include "providers/openai/responses_decode.h"
#include "providers/openai/responses_encode.h"
#include "providers/openai/responses_stream_decoder.h"
#include "providers/wire/http_model.h"

namespace dspex::openai {

absl::StatusOr<std::shared_ptr<lm::LanguageModel>> NewResponsesModel(ModelOptions options, http::Client& client,
                                                                     PrefixCache& prefixes) {
  wire::HttpModelOptions http;
  http.path = "/responses";
  if (!options.api_key.empty()) http.headers.emplace_back("Authorization", absl::StrCat("Bearer ", options.api_key));
  http.dialect = {DecodeError, DecodeResponse, NewResponsesStreamDecoder};
  http.encode_head = [model = options.model](const lm::Prefix* prefix) { return EncodeResponsesHead(model, prefix); };
  http.encode_tail = EncodeResponsesTail;
  http.provider = std::move(options.provider);
  http.model = std::move(options.model);
  http.api_key = std::move(options.api_key);
  http.capabilities = options.capabilities;
  return wire::NewHttpModel(std::move(http), client, prefixes);
}

}  // namespace dspex::openai
