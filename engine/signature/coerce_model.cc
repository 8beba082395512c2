#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "engine/json/object_builder.h"
#include "engine/json/utf8.h"
#include "engine/signature/coercion.h"
#include "engine/signature/named_type.h"

namespace dspex {

namespace {

constexpr std::size_t kMaxShown = 64;
// Values come from readers of JSON, which stop before this.
constexpr int kMaxDepth = 1000;

// The members of an object, each to be taken once.
class Members {
 public:
  explicit Members(Json::object_t& members) : members_(members), taken_(members.size(), false) {
    if (members.size() <= kLinear) return;
    places_.reserve(members.size());
    for (std::size_t i = 0; i < members.size(); ++i) places_.emplace(Key(i), i);
  }

  Json* Take(absl::string_view key) {
    const std::size_t place = Find(key);
    if (place == members_.size()) return nullptr;
    taken_[place] = true;
    return &members_.data()[place].second;
  }

  // Those that were not taken, in order.
  template <typename Visit>
  bool Rest(Visit visit) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (!taken_[i] && !visit(Key(i), members_.data()[i].second)) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t kLinear = 8;

  const std::string& Key(std::size_t place) const { return members_.data()[place].first; }

  std::size_t Find(absl::string_view key) const {
    if (members_.size() > kLinear) {
      const auto found = places_.find(key);
      return found == places_.end() ? members_.size() : found->second;
    }
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (Key(i) == key) return i;
    }
    return members_.size();
  }

  Json::object_t& members_;
  std::vector<bool> taken_;
  absl::flat_hash_map<absl::string_view, std::size_t> places_;
};

const std::string& Alias(const ModelField& field) { return field.alias.empty() ? field.name : field.alias; }

}  // namespace

bool Coercion::RunModel(const Type& type, Json& value) {
  if (!value.is_object() || depth_ == kMaxDepth) return Refuse(type);
  const NamedType& model = *type.named;
  Floor(Exactness::kStrict);
  Members members(value.get_ref<Json::object_t&>());
  ObjectBuilder result(model.fields.size() + (model.extra == NamedType::Extra::kAllow ? value.size() : 0));
  std::size_t given = 0;
  ++depth_;
  for (const ModelField& field : model.fields) {
    Json* member = members.Take(Alias(field));
    if (member == nullptr && options_.given) member = members.Take(field.name);
    if (member != nullptr) {
      if (!Run(field.type, *member)) return RefuseBelow(absl::StrCat(".", Shorten(Alias(field), kMaxShown)));
      result.Add(std::string(field.name), std::move(*member));
      ++given;
    } else if (field.required) {
      Refuse(field.type);
      return RefuseBelow(absl::StrCat(".", Shorten(Alias(field), kMaxShown)));
    } else if (field.default_value != nullptr) {
      result.Add(std::string(field.name), Json(*field.default_value));
    }
  }
  --depth_;
  const bool accepted = members.Rest([&](const std::string& key, Json& extra) {
    if (model.extra == NamedType::Extra::kIgnore) return true;
    if (model.extra == NamedType::Extra::kForbid) {
      Refuse(type);
      return RefuseBelow(absl::StrCat(".", Shorten(key, kMaxShown)));
    }
    result.Add(std::string(key), std::move(extra));
    return true;
  });
  if (!accepted) return false;
  CountFields(given);
  value = result.Take();
  return AcceptAs(type, Exactness::kStrict);
}

}  // namespace dspex
