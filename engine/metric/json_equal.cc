#include "engine/metric/json_equal.h"

#include <absl/strings/string_view.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace dspex {

namespace {

using Member = std::pair<absl::string_view, const Json*>;

std::vector<Member> SortedMembers(const Json& object) {
  std::vector<Member> members;
  members.reserve(object.size());
  for (const auto& [key, value] : object.get_ref<const Json::object_t&>()) members.emplace_back(key, &value);
  std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.first < b.first; });
  return members;
}

bool ObjectsEqual(const Json& a, const Json& b) {
  if (a.size() != b.size()) return false;
  const std::vector<Member> as = SortedMembers(a);
  const std::vector<Member> bs = SortedMembers(b);
  return std::equal(as.begin(), as.end(), bs.begin(), [](const Member& one, const Member& other) {
    return one.first == other.first && JsonEqual(*one.second, *other.second);
  });
}

}  // namespace

bool JsonEqual(const Json& a, const Json& b) {
  if (a.is_object() && b.is_object()) return ObjectsEqual(a, b);
  if (a.is_array() && b.is_array()) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), JsonEqual);
  }
  if (a.is_number_integer() && b.is_number_integer() && a.is_number_unsigned() != b.is_number_unsigned()) {
    const Json& with_sign = a.is_number_unsigned() ? b : a;
    if (with_sign.get<std::int64_t>() < 0) return false;
  }
  return a == b;
}

}  // namespace dspex
