#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/json/json.h"

namespace dspex {

/// The members of an object that is being read: their number is not known yet, and what comes depends on what there
/// is. A new value of a key takes the place of the old one.
class ObjectMembers {
 public:
  bool empty() const { return members_.empty(); }

  bool Contains(const std::string& key) const { return Find(key) < members_.size(); }

  void Set(std::string key, Json value) {
    const std::size_t place = Find(key);
    if (place < members_.size()) {
      members_[place].second = std::move(value);
      return;
    }
    members_.emplace_back(std::move(key), std::move(value));
    if (members_.size() > kLinear) Note();
  }

  /// Sets all members of another one.
  void Update(ObjectMembers&& other) {
    for (auto& [key, value] : other.members_) Set(std::move(key), std::move(value));
  }

  /// The member whose key was set first last; there must be one.
  std::pair<std::string, Json>& Last() { return members_.back(); }

  Json Take() {
    Json::object_t object;
    object.reserve(members_.size());
    for (auto& [key, value] : members_) object.emplace_back(std::move(key), std::move(value));
    return Json(std::move(object));
  }

 private:
  // Up to this size a search is quicker than a hash.
  static constexpr std::size_t kLinear = 8;

  std::size_t Find(const std::string& key) const {
    if (members_.size() > kLinear) {
      const auto found = places_.find(key);
      return found == places_.end() ? members_.size() : found->second;
    }
    std::size_t place = 0;
    while (place < members_.size() && members_[place].first != key) ++place;
    return place;
  }

  // Notes the places of what was added.
  void Note() {
    for (std::size_t place = places_.size(); place < members_.size(); ++place) {
      places_.emplace(members_[place].first, place);
    }
  }

  std::vector<std::pair<std::string, Json>> members_;
  absl::flat_hash_map<std::string, std::size_t> places_;
};

}  // namespace dspex
