#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/lm/language_model.h"
#include "providers/http/client.h"
#include "providers/wire/exchange.h"
#include "providers/wire/prefix_cache.h"

namespace dspex::wire {

/// A model behind one path of an HTTP API.
struct HttpModelOptions {
  /// The name that it is configured by, "anthropic".
  std::string provider;
  /// As the provider knows it.
  std::string model;
  /// Cut out of what the provider says. Sent by `headers` alone.
  std::string api_key;
  lm::Capabilities capabilities;
  /// Below the client's base URL.
  absl::string_view path;
  /// In addition to what every request has.
  std::vector<std::pair<std::string, std::string>> headers;
  Dialect dialect;
  /// The body is the concatenation of both: what is the same for all requests of a prefix (null stands for none), which
  /// is kept, and the rest.
  std::function<std::string(const lm::Prefix*)> encode_head;
  std::function<std::string(const lm::Request&, bool stream)> encode_tail;
};

/// `client` and `prefixes` are shared with other models and outlive it. INVALID_ARGUMENT if a header is not one.
absl::StatusOr<std::shared_ptr<lm::LanguageModel>> NewHttpModel(HttpModelOptions options, http::Client& client,
                                                                PrefixCache& prefixes);

}  // namespace dspex::wire
