#pragma once

#include <absl/container/flat_hash_map.h>

#include <string>
#include <utility>

namespace dspex::lm {

/// Which part of a job a request is, and which calls of language models it has made: what a journal tells them apart
/// by. A request that is made once more under the same name makes the same calls. Confined to the request's executor.
class Lane {
 public:
  explicit Lane(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }

  /// How often a request of that digest was made in this lane before; counts this one.
  int NextOccurrence(const std::string& digest) { return occurrences_[digest]++; }

 private:
  std::string name_;
  absl::flat_hash_map<std::string, int> occurrences_;
};

}  // namespace dspex::lm
