#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/signature/named_type.h"
#include "engine/signature/schema_keywords.h"

namespace dspex {

/// A keyword's text; empty if it has none.
std::string TextOf(const Json* value);

/// What prompts show for a declared name: the marked name; or the class's, where the declared name is what pydantic
/// made of it, with its module before it or not.
std::string ShownName(const std::string& name, const SchemaKeywords& keywords);

/// What becomes of keys that are no fields.
absl::StatusOr<NamedType::Extra> ReadExtra(const SchemaKeywords& keywords, const SchemaPath& path);

/// The names of fields that are required; they point into what `keywords` points into.
absl::Status ReadRequired(const SchemaKeywords& keywords, const SchemaPath& path,
                          absl::flat_hash_set<absl::string_view>& required);

/// The type that an enum's members are values of too.
NamedType::Mixin ReadMixin(const SchemaKeywords& keywords);

absl::Status ReadEnumMembers(const SchemaKeywords& keywords, const SchemaPath& path, std::vector<EnumMember>& members);

/// The schema of a model whose fields are known, with their names in Python for keys.
std::shared_ptr<const Json> SchemaByName(const NamedType& model);

/// A model that has no values, as it contains itself without an end; null if each has some.
const NamedType* FindEndless(const std::vector<NamedType*>& types);

}  // namespace dspex
