#include "providers/decorators/request_digest.h"

#include <openssl/evp.h>

#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <variant>

namespace dspex {

namespace {

constexpr std::size_t kMaxPrefixes = 1024;

/// OpenSSL's state of a digest. Each thread keeps one: to make one takes as long as to digest a short text.
EVP_MD_CTX* ThreadsContext() {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  thread_local const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  return context.get();
}

/// The digest of a text that two different sequences of fields never share: each field has a fixed size or its length
/// before it. One at a time on a thread. Jobs keep digests: what is digested, and how, is not to change without need.
///
/// The structured bindings below name every field of what they take apart, so that a field which is added does not
/// compile until it is part of the digest.
class Canonical {
 public:
  Canonical() {
    // EVP_sha256() would be looked up with each digest.
    static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    Check(EVP_DigestInit_ex(context_, kSha256, nullptr));
  }

  RequestDigest Finish() {
    Flush();
    RequestDigest digest{};
    Check(EVP_DigestFinal_ex(context_, digest.data(), nullptr));
    return digest;
  }

  void Add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) AddByte(static_cast<unsigned char>(number >> shift));
  }
  void Add(long long number) { Add(static_cast<std::uint64_t>(number)); }
  void Add(int number) { Add(static_cast<std::uint64_t>(number)); }
  void Add(bool flag) { AddByte(flag ? 1 : 0); }
  void Add(double number) { Add(std::bit_cast<std::uint64_t>(number)); }
  void Add(const std::string& text) {
    Add(static_cast<std::uint64_t>(text.size()));
    AddBytes(text.data(), text.size());
  }
  void Add(const RequestDigest& digest) { AddBytes(digest.data(), digest.size()); }
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

  void AddByte(unsigned char byte) {
    if (size_ == buffer_.size()) Flush();
    buffer_[size_++] = byte;
  }
  void AddBytes(const void* bytes, std::size_t size) {
    if (size > buffer_.size() - size_) Flush();
    if (size > buffer_.size()) {
      Check(EVP_DigestUpdate(context_, bytes, size));
      return;
    }
    std::memcpy(buffer_.data() + size_, bytes, size);
    size_ += size;
  }
  void Flush() {
    Check(EVP_DigestUpdate(context_, buffer_.data(), size_));
    size_ = 0;
  }
  // Nothing but memory can be missing; what has no digest must not be taken for an equal call.
  static void Check(int ok) {
    if (ok != 1) throw std::bad_alloc();
  }

  EVP_MD_CTX* const context_ = ThreadsContext();
  std::array<unsigned char, 1024> buffer_;
  std::size_t size_ = 0;
};

}  // namespace

RequestDigest RequestDigester::Of(const RequestContext& context, const lm::Request& request) {
  if (context.digest() != nullptr) return *context.digest();
  static const lm::Options kNone;
  const auto& [prefix, turns, options] = request;
  const RequestDigest prefix_digest = OfPrefix(prefix.get());
  Canonical canonical;
  canonical.Add(context.record().tenant);
  canonical.Add(configuration_);
  canonical.Add(context.sample());
  canonical.Add(prefix_digest);
  canonical.Add(turns);
  canonical.Add(options == nullptr ? kNone : *options);
  return canonical.Finish();
}

RequestDigest RequestDigester::OfPrefix(const lm::Prefix* prefix) {
  if (prefix == nullptr) return {};
  if (prefix->reusable()) {
    MutexLock lock(&mutex_);
    if (const auto found = prefixes_.find(prefix->id()); found != prefixes_.end()) return found->second;
  }
  Canonical canonical;
  canonical.Add(prefix->messages());
  const RequestDigest digest = canonical.Finish();
  if (prefix->reusable()) {
    MutexLock lock(&mutex_);
    // Prefixes of revisions that are not used any more go with those that are: they come back at once.
    if (prefixes_.size() >= kMaxPrefixes) prefixes_.clear();
    prefixes_.emplace(prefix->id(), digest);
  }
  return digest;
}

}  // namespace dspex
