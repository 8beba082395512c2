#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include <memory>
#include <optional>

#include "engine/signature/tokenizer.h"
#include "engine/signature/type.h"

namespace dspex {

/// The declared type of a name, if there is one.
using TypeResolver = absl::FunctionRef<std::optional<Type>(absl::string_view)>;

/// What `types`, which may be null, declares.
std::optional<Type> DeclaredType(const std::shared_ptr<const TypeTable>& types, absl::string_view name);

/// Reads the type that begins at the cursor and stops behind it. Names that are declared stand before all others. A
/// type that is nothing but the word None comes with `alias` set. Errors as ParseType's.
absl::StatusOr<Type> ReadType(TokenCursor& cursor, TypeResolver declared);

/// ParseType, with the names of `declared`.
absl::StatusOr<Type> ParseTypeWith(absl::string_view text, TypeResolver declared);

}  // namespace dspex
