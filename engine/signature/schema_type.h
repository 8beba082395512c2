#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <optional>

#include "engine/json/json.h"
#include "engine/signature/schema_keywords.h"
#include "engine/signature/type.h"

namespace dspex {

/// How deep schemas may be nested.
inline constexpr int kMaxSchemaDepth = 64;
/// Values of an enum, fields of a model.
inline constexpr std::size_t kMaxSchemaMembers = 1000;

/// What a schema's reader asks of the table that it reads for.
class SchemaScope {
 public:
  virtual ~SchemaScope() = default;
  /// The type that a "$ref" names, which stands at `path`, `depth` schemas deep.
  virtual absl::StatusOr<Type> Refer(absl::string_view name, const SchemaPath& path, int depth) = 0;
  /// Whether there is such a type.
  virtual bool Declares(absl::string_view name) const = 0;
  /// The type of an object that is described in place.
  virtual absl::StatusOr<Type> DeclareInPlace(const Json& schema, const SchemaKeywords& keywords,
                                              const SchemaPath& path, int depth) = 0;
};

/// The type whose values a schema describes. `depth` bounds the recursion. Errors as TypeTable::Create's.
absl::StatusOr<Type> ReadSchemaType(const Json& schema, const SchemaPath& path, int depth, SchemaScope& scope);

/// The name within "#/$defs/Name".
absl::StatusOr<absl::string_view> ReadReference(const Json& reference, const SchemaPath& path);

}  // namespace dspex
