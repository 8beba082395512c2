#include "providers/wire/prefix_cache.h"

#include "engine/base/mutex.h"

namespace dspex {

namespace {
// What an entry costs beside its text: nodes of the list and the index, the string's head.
constexpr std::size_t kEntryBytes = 200;
}  // namespace

std::uint64_t PrefixCache::NewEncoder() {
  MutexLock lock(&mutex_);
  return ++next_encoder_;
}

std::shared_ptr<const std::string> PrefixCache::Get(const lm::Prefix& prefix, std::uint64_t encoder,
                                                    const std::function<std::string()>& encode) {
  const Key key(prefix.id(), encoder);
  if (prefix.reusable()) {
    MutexLock lock(&mutex_);
    const auto found = index_.find(key);
    if (found != index_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return found->second->encoded;
    }
  }
  auto encoded = std::make_shared<std::string>(encode());
  if (!prefix.reusable()) return encoded;
  encoded->shrink_to_fit();
  const std::size_t size = encoded->size() + kEntryBytes;
  if (size > max_bytes_) return encoded;
  MutexLock lock(&mutex_);
  // Another thread may have encoded the same meanwhile.
  if (!index_.contains(key)) {
    entries_.push_front(Entry{key, encoded});
    index_.emplace(key, entries_.begin());
    size_bytes_ += size;
  }
  while (size_bytes_ > max_bytes_) {
    const Entry& last = entries_.back();
    size_bytes_ -= last.encoded->size() + kEntryBytes;
    index_.erase(last.key);
    entries_.pop_back();
  }
  return encoded;
}

std::size_t PrefixCache::size_bytes() const {
  MutexLock lock(&mutex_);
  return size_bytes_;
}

}  // namespace dspex
