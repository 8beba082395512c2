#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "engine/signature/named_type.h"
#include "engine/signature/schema_keywords.h"

namespace dspex {

/// The bounds that a schema sets for values of `kind`; null if it sets none. A bound that is none of that kind's (a
/// "minimum" of a string) does not count, as in JSON Schema.
absl::StatusOr<std::shared_ptr<const Constraints>> ReadSchemaConstraints(Type::Kind kind,
                                                                         const SchemaKeywords& keywords,
                                                                         const SchemaPath& path);

}  // namespace dspex
