#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <string>

#include "engine/json/json.h"

namespace dspex {

/// Where in a declared type's schema something stands. A chain on the stack: each link outlives those that point to it.
struct SchemaPath {
  absl::string_view type;
  const SchemaPath* up = nullptr;
  std::string key = {};

  SchemaPath Below(absl::string_view key) const { return {type, this, std::string(key)}; }
  /// "#/properties/a/items".
  std::string Pointer() const;
};

/// The error for what stands at `path`. `problem` is a sentence without its point, `advice` a sentence.
absl::Status SchemaError(const SchemaPath& path, absl::string_view problem, absl::string_view advice);

/// The keywords of one JSON Schema that say something about values; null for those that are absent.
struct SchemaKeywords {
  const Json* type = nullptr;
  const Json* format = nullptr;
  const Json* ref = nullptr;
  const Json* any_of = nullptr;
  const Json* all_of = nullptr;
  const Json* enumeration = nullptr;
  const Json* constant = nullptr;
  const Json* properties = nullptr;
  const Json* required = nullptr;
  const Json* additional_properties = nullptr;
  const Json* property_names = nullptr;
  const Json* items = nullptr;
  const Json* prefix_items = nullptr;
  const Json* unique_items = nullptr;
  const Json* minimum = nullptr;
  const Json* maximum = nullptr;
  const Json* exclusive_minimum = nullptr;
  const Json* exclusive_maximum = nullptr;
  const Json* multiple_of = nullptr;
  const Json* min_length = nullptr;
  const Json* max_length = nullptr;
  const Json* pattern = nullptr;
  const Json* min_items = nullptr;
  const Json* max_items = nullptr;
  const Json* min_properties = nullptr;
  const Json* max_properties = nullptr;
  // These say nothing about values.
  const Json* title = nullptr;
  const Json* description = nullptr;
  const Json* default_value = nullptr;
  const Json* marked_type = nullptr;
  const Json* marked_name = nullptr;
  const Json* marked_default = nullptr;
  const Json* marked_members = nullptr;
  const Json* marked_base = nullptr;

  /// Whether nothing is said about values.
  bool Empty() const;
};

/// Reads the keywords of an object; those that dspex has no equal for are an error, unknown ones say nothing. The
/// result points into `schema`.
absl::Status ReadSchemaKeywords(const Json& schema, const SchemaPath& path, SchemaKeywords& keywords);

/// Whether a keyword holds an object whose keys are names, not keywords ("properties").
bool HoldsSchemaNames(absl::string_view keyword);
/// Whether a keyword holds values, not schemas ("default").
bool HoldsSchemaValues(absl::string_view keyword);

/// `schema` without the keys that are dspex's own.
Json WithoutMarkers(const Json& schema);

}  // namespace dspex
