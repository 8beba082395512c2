#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <list>
#include <memory>

#include "engine/base/mutex.h"
#include "engine/lm/language_model.h"
#include "providers/decorators/request_digest.h"

namespace dspex {

/// Answers by the digest of their calls, bounded in bytes; those used last stay. One for the server. Thread-safe.
class ResponseCache {
 public:
  /// 0 bytes keep nothing.
  explicit ResponseCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// Null if it has none.
  std::shared_ptr<const lm::Response> Get(const RequestDigest& digest);

  /// One that is larger than the cache is not kept.
  void Put(const RequestDigest& digest, lm::Response response);

  /// Bytes that it holds.
  std::size_t size_bytes() const;

 private:
  struct Entry {
    RequestDigest digest;
    std::shared_ptr<const lm::Response> response;
    std::size_t bytes;
  };

  const std::size_t max_bytes_;
  mutable Mutex mutex_;
  std::size_t size_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  /// The one used last stands first.
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<RequestDigest, std::list<Entry>::iterator, DigestHash> index_ ABSL_GUARDED_BY(mutex_);
};

/// A model that answers from `cache` what an equal call of the tenant was answered, and keeps what `inner` answers: of
/// a chain's first entry only, and only if it is complete (it ended by itself or with tool calls).
///
/// A hit is marked `from_cache`, its usage is zero, its lm_calls too, as nothing was called, and its attempts; with a
/// sink for deltas it goes there as well. `cache` and `digester` outlive the model.
std::shared_ptr<lm::LanguageModel> NewCached(std::shared_ptr<lm::LanguageModel> inner, ResponseCache& cache,
                                             RequestDigester& digester);

}  // namespace dspex
