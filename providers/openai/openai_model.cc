#include "providers/openai/openai_model.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "providers/openai/decode.h"
#include "providers/openai/encode.h"
#include "providers/openai/stream_decoder.h"
#include "providers/wire/exchange.h"

namespace dspex::openai {

namespace {

constexpr absl::string_view kPath = "/chat/completions";

constexpr wire::Dialect kDialect{
    .decode_error = DecodeError, .decode = DecodeChatCompletion, .new_stream_decoder = NewStreamDecoder};

class Model final : public lm::LanguageModel {
 public:
  Model(ModelOptions options, std::string head, http::Client& client, PrefixCache& prefixes)
      : options_(std::move(options)),
        source_{options_.provider, options_.model, options_.api_key},
        name_(absl::StrCat(options_.provider, "/", options_.model)),
        head_(std::move(head)),
        encoder_(prefixes.NewEncoder()),
        client_(client),
        prefixes_(prefixes) {
    // OpenAI's reasoning models take no other; servers that imitate it often know the older name only.
    if (options_.provider == "openai") dialect_.max_tokens_key = "max_completion_tokens";
  }

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override;
  absl::StatusOr<lm::RenderedRequest> Render(const lm::Request& request) const override;
  const std::string& name() const override { return name_; }
  lm::Capabilities capabilities() const override { return options_.capabilities; }

 private:
  std::shared_ptr<const std::string> BodyHead(const lm::Request& request) const;

  const ModelOptions options_;
  const wire::ErrorSource source_;
  const std::string name_;
  const std::string head_;
  Dialect dialect_;
  const std::uint64_t encoder_;
  http::Client& client_;
  PrefixCache& prefixes_;
};

std::shared_ptr<const std::string> Model::BodyHead(const lm::Request& request) const {
  const auto encode = [&] { return EncodeHead(options_.model, request.prefix.get()); };
  if (request.prefix == nullptr) return std::make_shared<std::string>(encode());
  return prefixes_.Get(*request.prefix, encoder_, encode);
}

Task<lm::Response> Model::Generate(RequestContext context, const lm::Request& request) {
  const std::shared_ptr<const std::string> body_head = BodyHead(request);
  const std::string body_tail = EncodeTail(request, dialect_, context.deltas() != nullptr);
  const absl::string_view body[] = {*body_head, body_tail};
  co_return co_await wire::Exchange(client_, context, head_, body, kDialect, source_);
}

absl::StatusOr<lm::RenderedRequest> Model::Render(const lm::Request& request) const {
  return lm::RenderedRequest{absl::StrCat(client_.base_url(), kPath),
                             absl::StrCat(*BodyHead(request), EncodeTail(request, dialect_, false))};
}

}  // namespace

absl::StatusOr<std::shared_ptr<lm::LanguageModel>> NewModel(ModelOptions options, http::Client& client,
                                                            PrefixCache& prefixes) {
  std::vector<std::pair<std::string, std::string>> headers;
  if (!options.api_key.empty()) headers.emplace_back("Authorization", absl::StrCat("Bearer ", options.api_key));
  absl::StatusOr<std::string> head = client.PostHead(kPath, headers);
  if (!head.ok()) return head.status();
  return std::make_shared<Model>(std::move(options), *std::move(head), client, prefixes);
}

}  // namespace dspex::openai
