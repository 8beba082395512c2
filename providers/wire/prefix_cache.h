#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "engine/base/mutex.h"
#include "engine/lm/language_model.h"

namespace dspex {

/// The encoded form of prompt prefixes, by prefix and encoder, so that a request only encodes its own turn. Bounded in
/// bytes; those used last stay. Thread-safe.
class PrefixCache {
 public:
  explicit PrefixCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// A number for who encodes in one way: a dialect and model.
  std::uint64_t NewEncoder();

  /// The encoded prefix, made by `encode` if it is not there. Of a prefix that is not reusable nothing is kept.
  std::shared_ptr<const std::string> Get(const lm::Prefix& prefix, std::uint64_t encoder,
                                         const std::function<std::string()>& encode);

  /// Bytes that it holds.
  std::size_t size_bytes() const;

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  struct Entry {
    Key key;
    std::shared_ptr<const std::string> encoded;
  };

  const std::size_t max_bytes_;
  mutable Mutex mutex_;
  std::uint64_t next_encoder_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t size_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  /// The one used last stands first.
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Key, std::list<Entry>::iterator> index_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dspex
