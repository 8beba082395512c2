#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace dspex {

/// The type of a field, in the notation of Python's annotations.
struct Type {
  enum class Kind { kStr, kInt, kFloat, kBool, kNone, kAny, kList, kDict, kUnion, kLiteral };
  using LiteralValue = std::variant<std::monostate, bool, std::int64_t, std::string>;

  Kind kind = Kind::kStr;
  /// list: the element's type. dict: the key's and the value's. Union: the alternatives, flattened, without duplicates.
  /// A bare `list` or `dict` has none.
  std::vector<Type> arguments;
  /// Literal: the permitted values, in order. monostate is None.
  std::vector<LiteralValue> literals;

  bool operator==(const Type&) const = default;

  /// Whether None is a value of this type (None itself, Any, a Union with None, a Literal with None).
  bool AllowsNone() const;

  /// The type as a model reads it and as an error names it: "list[int]", "Union[int, NoneType]", "Literal['a', 'b']".
  /// Strings in Literals stand as they are.
  std::string ToString() const;

  /// The same, but strings in Literals are escaped where they need it: ParseType of it gives an equal type.
  std::string ToNotation() const;
};

/// Reads one type: "dict[str, list[int]]", "Optional[int]", "int | None", "Literal['a, b', 3, True]", "List[str]",
/// "typing.List[str]". Tuples, sets and types of one's own are errors that name them. INVALID_ARGUMENT /
/// INVALID_SIGNATURE, metadata `position` (byte offset, from 0) and `token`.
absl::StatusOr<Type> ParseType(absl::string_view text);

}  // namespace dspex
