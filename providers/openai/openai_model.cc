#include "providers/openai/openai_model.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "providers/openai/decode.h"
#include "providers/openai/encode.h"
#include "providers/openai/stream_decoder.h"

namespace dspex::openai {

wire::HttpModelOptions HttpOptions(ModelOptions options, absl::string_view path) {
  wire::HttpModelOptions http;
  http.path = path;
  if (!options.api_key.empty()) http.headers.emplace_back("Authorization", absl::StrCat("Bearer ", options.api_key));
  http.provider = std::move(options.provider);
  http.model = std::move(options.model);
  http.api_key = std::move(options.api_key);
  http.capabilities = options.capabilities;
  return http;
}

absl::StatusOr<std::shared_ptr<lm::LanguageModel>> NewModel(ModelOptions options, http::Client& client,
                                                            PrefixCache& prefixes) {
  wire::HttpModelOptions http = HttpOptions(std::move(options), "/chat/completions");
  Dialect dialect;
  // OpenAI's reasoning models take no other; servers that imitate it often know the older name only.
  if (http.provider == "openai") dialect.max_tokens_key = "max_completion_tokens";
  http.dialect = {DecodeError, DecodeChatCompletion, NewStreamDecoder};
  http.encode_head = [model = http.model](const lm::Prefix* prefix) { return EncodeHead(model, prefix); };
  http.encode_tail = [dialect](const lm::Request& request, bool stream) {
    return EncodeTail(request, dialect, stream);
  };
  return wire::NewHttpModel(std::move(http), client, prefixes);
}

}  // namespace dspex::openai
