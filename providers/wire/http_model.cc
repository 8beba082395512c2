#include "providers/wire/http_model.h"

#include <absl/strings/str_cat.h>

namespace dspex::wire {

namespace {

class HttpModel final : public lm::LanguageModel {
 public:
  HttpModel(HttpModelOptions options, std::string head, http::Client& client, PrefixCache& prefixes)
      : options_(std::move(options)),
        name_(absl::StrCat(options_.provider, "/", options_.model)),
        head_(std::move(head)),
        encoder_(prefixes.NewEncoder()),
        client_(client),
        prefixes_(prefixes) {}

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override {
    const std::shared_ptr<const std::string> body_head = BodyHead(request);
    const std::string body_tail = options_.encode_tail(request, context.deltas() != nullptr);
    const absl::string_view body[] = {*body_head, body_tail};
    const ErrorSource source{options_.provider, options_.model, options_.api_key};
    absl::StatusOr<lm::Response> response = co_await Exchange(client_, context, head_, body, options_.dialect, source);
    co_return response;
  }

  absl::StatusOr<lm::RenderedRequest> Render(const lm::Request& request) const override {
    return lm::RenderedRequest{absl::StrCat(client_.base_url(), options_.path),
                               absl::StrCat(*BodyHead(request), options_.encode_tail(request, false))};
  }

  const std::string& name() const override { return name_; }
  lm::Capabilities capabilities() const override { return options_.capabilities; }

 private:
  std::shared_ptr<const std::string> BodyHead(const lm::Request& request) const {
    const auto encode = [&] { return options_.encode_head(request.prefix.get()); };
    if (request.prefix == nullptr) return std::make_shared<std::string>(encode());
    return prefixes_.Get(*request.prefix, encoder_, encode);
  }

  const HttpModelOptions options_;
  const std::string name_;
  const std::string head_;
  const std::uint64_t encoder_;
  http::Client& client_;
  PrefixCache& prefixes_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<lm::LanguageModel>> NewHttpModel(HttpModelOptions options, http::Client& client,
                                                                PrefixCache& prefixes) {
  absl::StatusOr<std::string> head = client.PostHead(options.path, options.headers);
  if (!head.ok()) return head.status();
  return std::make_shared<HttpModel>(std::move(options), *std::move(head), client, prefixes);
}

}  // namespace dspex::wire
