#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "engine/json/json.h"

namespace dspex {

/// Builds an object in time linear in its keys. Of equal keys the last value wins, in the place of the first. (An
/// ordered_json object's own operator[] searches linearly, and its growth copies all that it holds.)
class ObjectBuilder {
 public:
  /// `capacity` is the number of calls of Add to come, at most.
  explicit ObjectBuilder(std::size_t capacity) : capacity_(capacity) {
    members_.reserve(capacity);
    if (capacity > kLinear) places_.reserve(capacity);
  }

  void Add(std::string&& key, Json&& value) {
    if (Json* place = Find(key)) {
      *place = std::move(value);
      return;
    }
    members_.emplace_back(std::move(key), std::move(value));
    // The map's keys are views of the members', which stay where they are.
    if (capacity_ > kLinear) places_.emplace(members_.back().first, members_.size() - 1);
  }

  Json Take() { return Json(std::move(members_)); }

 private:
  // Up to this size a search is quicker than a hash.
  static constexpr std::size_t kLinear = 8;

  Json* Find(absl::string_view key) {
    if (capacity_ > kLinear) {
      const auto found = places_.find(key);
      return found == places_.end() ? nullptr : &members_.data()[found->second].second;
    }
    for (auto& [name, value] : members_) {
      if (name == key) return &value;
    }
    return nullptr;
  }

  std::size_t capacity_;
  Json::object_t members_;
  absl::flat_hash_map<absl::string_view, std::size_t> places_;
};

}  // namespace dspex
