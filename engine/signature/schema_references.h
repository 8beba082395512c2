#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/strings/string_view.h>

#include <map>
#include <string>

#include "engine/json/json.h"

namespace dspex {

/// What references begin with.
inline constexpr absl::string_view kReferencePrefix = "#/$defs/";

/// The definition's name in {"$ref": "#/$defs/name"}; empty for anything but a schema that is such a reference alone.
std::string ReferredName(const Json& schema);

/// The names of those of `definitions` that a schema refers to, directly or through others.
absl::flat_hash_set<std::string> ReferredNames(const Json& schema, const std::map<std::string, Json>& definitions);

/// `schema` with its keys in pydantic's order: by name, except properties.
Json InPydanticOrder(const Json& schema);

}  // namespace dspex
