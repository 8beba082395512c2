#include "providers/decorators/request_digest.h"

#include <openssl/evp.h>

#include <bit>
#include <optional>
#include <type_traits>
#include <variant>

namespace dspex {

namespace {

constexpr std::size_t kMaxPrefixes = 1024;

/// A text that two different sequences of fields never share: each field has a fixed size or its length before it.
///
/// The structured bindings below name every field of what they take apart, so that a field which is added does not
/// compile until it is part of the digest.
class Canonical {
 public:
  const std::string& bytes() const { return bytes_; }

  void Add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) bytes_.push_back(static_cast<char>(number >> shift));
  }
  void Add(long long number) { Add(static_cast<std::uint64_t>(number)); }
  void Add(int number) { Add(static_cast<std::uint64_t>(number)); }
  void Add(bool flag) { bytes_.push_back(flag ? 1 : 0); }
  void Add(double number) { Add(std::bit_cast<std::uint64_t>(number)); }
  void Add(const std::string& text) {
    Add(static_cast<std::uint64_t>(text.size()));
    bytes_ += text;
  }
  void Add(const RequestDigest& digest) { bytes_.append(digest.begin(), digest.end()); }
  template <typename T>
  void Add(const std::optional<T>& value) {
    Add(value.has_value());
    if (value.has_value()) Add(*value);
  }
  template <typename T>
  void Add(const std::vector<T>& values) {
    Add(static_cast<std::uint64_t>(values.size()));
    for (const T& value : values) Add(value);
  }
  template <typename T>
    requires std::is_enum_v<T>
  void Add(T value) {
    Add(static_cast<std::uint64_t>(value));
  }

  void Add(const lm::TextPart& part) {
    const auto& [text] = part;
    AddAll(text);
  }
  void Add(const lm::ImagePart& part) {
    const auto& [url, detail] = part;
    AddAll(url, detail);
  }
  void Add(const lm::AudioPart& part) {
    const auto& [data, format] = part;
    AddAll(data, format);
  }
  void Add(const lm::FilePart& part) {
    const auto& [data, file_id, filename] = part;
    AddAll(data, file_id, filename);
  }
  void Add(const lm::DocumentPart& part) {
    const auto& [data, media_type, title, about] = part;
    AddAll(data, media_type, title, about);
  }
  void Add(const lm::BlockPart& part) {
    const auto& [json] = part;
    AddAll(json);
  }
  void Add(const lm::ToolCallPart& part) {
    const auto& [id, name, arguments] = part;
    AddAll(id, name, arguments);
  }
  void Add(const lm::ToolResultPart& part) {
    const auto& [id, content, is_error, name] = part;
    AddAll(id, content, is_error, name);
  }
  void Add(const lm::ReasoningPart& part) {
    const auto& [dialect, json] = part;
    AddAll(dialect, json);
  }
  void Add(const lm::Part& part) {
    Add(static_cast<std::uint64_t>(part.index()));
    std::visit([this](const auto& one) { Add(one); }, part);
  }
  void Add(const lm::Message& message) {
    const auto& [role, parts] = message;
    AddAll(role, parts);
  }
  void Add(const lm::ResponseFormat& format) {
    const auto& [kind, name, schema] = format;
    AddAll(kind, name, schema == nullptr ? std::optional<std::string>() : *schema);
  }
  void Add(const lm::ToolSpec& tool) {
    const auto& [name, description, parameters] = tool;
    AddAll(name, description, parameters);
  }
  void Add(const lm::Options& options) {
    const auto& [temperature, top_p, max_tokens, stop, seed, frequency_penalty, presence_penalty, reasoning_effort,
                 response_format, tools, parallel_tool_calls, store, logprobs, top_logprobs, rollout_id] = options;
    AddAll(temperature, top_p, max_tokens, stop, seed, frequency_penalty, presence_penalty, reasoning_effort,
           response_format, tools, parallel_tool_calls, store, logprobs, top_logprobs, rollout_id);
  }

 private:
  template <typename... Fields>
  void AddAll(const Fields&... fields) {
    (Add(fields), ...);
  }

  std::string bytes_;
};

RequestDigest Sha256(const std::string& text) {
  RequestDigest digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return digest;
}

}  // namespace

RequestDigest RequestDigester::Of(const RequestContext& context, const lm::Request& request) {
  static const lm::Options kNone;
  const auto& [prefix, turns, options] = request;
  Canonical canonical;
  canonical.Add(context.record().tenant);
  canonical.Add(configuration_);
  canonical.Add(context.sample());
  canonical.Add(OfPrefix(prefix.get()));
  canonical.Add(turns);
  canonical.Add(options == nullptr ? kNone : *options);
  return Sha256(canonical.bytes());
}

RequestDigest RequestDigester::OfPrefix(const lm::Prefix* prefix) {
  if (prefix == nullptr) return {};
  if (prefix->reusable()) {
    MutexLock lock(&mutex_);
    if (const auto found = prefixes_.find(prefix->id()); found != prefixes_.end()) return found->second;
  }
  Canonical canonical;
  canonical.Add(prefix->messages());
  const RequestDigest digest = Sha256(canonical.bytes());
  if (prefix->reusable()) {
    MutexLock lock(&mutex_);
    // Prefixes of revisions that are not used any more go with those that are: they come back at once.
    if (prefixes_.size() >= kMaxPrefixes) prefixes_.clear();
    prefixes_.emplace(prefix->id(), digest);
  }
  return digest;
}

}  // namespace dspex
