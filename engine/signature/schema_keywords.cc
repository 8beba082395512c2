#include "engine/signature/schema_keywords.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/object_builder.h"
#include "engine/json/utf8.h"

namespace dspex {

namespace {

struct Keyword {
  absl::string_view name;
  const Json* SchemaKeywords::* member;
};

constexpr Keyword kKeywords[] = {
    {"type", &SchemaKeywords::type},
    {"format", &SchemaKeywords::format},
    {"$ref", &SchemaKeywords::ref},
    {"anyOf", &SchemaKeywords::any_of},
    {"allOf", &SchemaKeywords::all_of},
    {"enum", &SchemaKeywords::enumeration},
    {"const", &SchemaKeywords::constant},
    {"properties", &SchemaKeywords::properties},
    {"required", &SchemaKeywords::required},
    {"additionalProperties", &SchemaKeywords::additional_properties},
    {"propertyNames", &SchemaKeywords::property_names},
    {"items", &SchemaKeywords::items},
    {"prefixItems", &SchemaKeywords::prefix_items},
    {"uniqueItems", &SchemaKeywords::unique_items},
    {"minimum", &SchemaKeywords::minimum},
    {"maximum", &SchemaKeywords::maximum},
    {"exclusiveMinimum", &SchemaKeywords::exclusive_minimum},
    {"exclusiveMaximum", &SchemaKeywords::exclusive_maximum},
    {"multipleOf", &SchemaKeywords::multiple_of},
    {"minLength", &SchemaKeywords::min_length},
    {"maxLength", &SchemaKeywords::max_length},
    {"pattern", &SchemaKeywords::pattern},
    {"minItems", &SchemaKeywords::min_items},
    {"maxItems", &SchemaKeywords::max_items},
    {"minProperties", &SchemaKeywords::min_properties},
    {"maxProperties", &SchemaKeywords::max_properties},
};

constexpr Keyword kSilent[] = {
    {"title", &SchemaKeywords::title},
    {"description", &SchemaKeywords::description},
    {"default", &SchemaKeywords::default_value},
    {"x-dspex-type", &SchemaKeywords::marked_type},
    {"x-dspex-name", &SchemaKeywords::marked_name},
    {"x-dspex-default", &SchemaKeywords::marked_default},
    {"x-enum-varnames", &SchemaKeywords::marked_members},
    {"x-enum-base", &SchemaKeywords::marked_base},
};

struct Refused {
  absl::string_view name;
  absl::string_view advice;
};

constexpr Refused kRefused[] = {
    {"oneOf", "Use anyOf, or leave a discriminated union to the Python backend."},
    {"discriminator", "Use anyOf, or leave a discriminated union to the Python backend."},
    {"not", "Say what is allowed."},
    {"if", "Say what is allowed, without a condition."},
    {"then", "Say what is allowed, without a condition."},
    {"else", "Say what is allowed, without a condition."},
    {"patternProperties", "Use additionalProperties."},
    {"dependentSchemas", "Leave it out."},
    {"dependentRequired", "Leave it out."},
    {"dependencies", "Leave it out."},
    {"contains", "Leave it out."},
    {"minContains", "Leave it out."},
    {"maxContains", "Leave it out."},
    {"additionalItems", "Use prefixItems for a tuple, items for a list."},
    {"unevaluatedItems", "Use prefixItems for a tuple, items for a list."},
    {"unevaluatedProperties", "Use additionalProperties."},
    {"contentSchema", "Declare the content as the field's type."},
    {"nullable", "Use anyOf with {\"type\": \"null\"}."},
    {"definitions", "Use $defs."},
    {"$defs", "Put definitions at the top of a declaration."},
    {"$dynamicRef", "Use $ref."},
    {"$recursiveRef", "Use $ref."},
};

template <std::size_t n>
const Keyword* FindKeyword(const Keyword (&keywords)[n], absl::string_view name) {
  const auto* found =
      std::find_if(std::begin(keywords), std::end(keywords), [name](const Keyword& one) { return one.name == name; });
  return found == std::end(keywords) ? nullptr : found;
}

bool IsMarker(absl::string_view key) {
  return absl::StartsWith(key, "x-dspex-") || key == "x-enum-varnames" || key == "x-enum-base";
}

Json Strip(const Json& value, bool names) {
  if (value.is_array()) {
    Json::array_t elements;
    elements.reserve(value.size());
    for (const Json& element : value) elements.push_back(Strip(element, false));
    return Json(std::move(elements));
  }
  if (!value.is_object()) return value;
  const auto& members = value.get_ref<const Json::object_t&>();
  ObjectBuilder result(members.size());
  for (const auto& [key, member] : members) {
    if (!names && IsMarker(key)) continue;
    result.Add(std::string(key),
               !names && HoldsSchemaValues(key) ? Json(member) : Strip(member, !names && HoldsSchemaNames(key)));
  }
  return result.Take();
}

}  // namespace

std::string SchemaPath::Pointer() const {
  std::vector<absl::string_view> keys;
  for (const SchemaPath* at = this; at->up != nullptr; at = at->up) keys.push_back(at->key);
  std::string pointer = "#";
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) absl::StrAppend(&pointer, "/", Shorten(*key, 60));
  return pointer;
}

absl::Status SchemaError(const SchemaPath& path, absl::string_view problem, absl::string_view advice) {
  const std::string type = Shorten(path.type, 60);
  const std::string pointer = path.Pointer();
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidSignature,
               absl::StrCat("The declared type ", type, " cannot be read at ", pointer, ": ", problem, ". ", advice))
      .With("type", type)
      .With("path", pointer);
}

bool SchemaKeywords::Empty() const {
  return std::all_of(std::begin(kKeywords), std::end(kKeywords),
                     [this](const Keyword& keyword) { return this->*keyword.member == nullptr; });
}

absl::Status ReadSchemaKeywords(const Json& schema, const SchemaPath& path, SchemaKeywords& keywords) {
  for (const auto& [key, value] : schema.get_ref<const Json::object_t&>()) {
    const Keyword* keyword = FindKeyword(kKeywords, key);
    if (keyword == nullptr) keyword = FindKeyword(kSilent, key);
    if (keyword != nullptr) {
      keywords.*(keyword->member) = &value;
      continue;
    }
    const auto* refused =
        std::find_if(std::begin(kRefused), std::end(kRefused), [&key](const Refused& one) { return one.name == key; });
    if (refused != std::end(kRefused)) {
      return SchemaError(path, absl::StrCat("'", key, "' has no equal among types"), refused->advice);
    }
  }
  return absl::OkStatus();
}

bool HoldsSchemaNames(absl::string_view keyword) { return keyword == "properties" || keyword == "$defs"; }

bool HoldsSchemaValues(absl::string_view keyword) {
  return keyword == "default" || keyword == "examples" || keyword == "enum" || keyword == "const";
}

Json WithoutMarkers(const Json& schema) { return Strip(schema, false); }

}  // namespace dspex
