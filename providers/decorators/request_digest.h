#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "engine/base/context.h"
#include "engine/base/mutex.h"
#include "engine/lm/language_model.h"

namespace dspex {

/// For tables of digests: each part of one is as good as a hash.
struct DigestHash {
  std::size_t operator()(const RequestDigest& digest) const {
    std::size_t part = 0;
    std::memcpy(&part, digest.data(), sizeof part);
    return part;
  }
};

/// Makes the digests of calls: of the tenant, the configuration of the models behind, the number of the sample, and
/// every field of the request, each with its length, so that no two different calls share one. Thread-safe.
class RequestDigester {
 public:
  /// `configuration` stands for all that decides what answers a request, besides the request: the chain's models and
  /// their endpoints.
  explicit RequestDigester(std::string configuration) : configuration_(std::move(configuration)) {}

  /// The digest that the context brings, where it brings one: a call is digested once.
  RequestDigest Of(const RequestContext& context, const lm::Request& request);

 private:
  RequestDigest OfPrefix(const lm::Prefix* prefix);

  const std::string configuration_;
  Mutex mutex_;
  /// By the prefix's id: most calls of a program share theirs, and it is most of what is digested.
  absl::flat_hash_map<std::uint64_t, RequestDigest> prefixes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dspex
