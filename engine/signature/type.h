#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace dspex {

struct NamedType;
struct Constraints;
class TypeTable;

/// The type of a field, in the notation of Python's annotations.
struct Type {
  enum class Kind {
    // Scalars.
    kStr,
    kInt,
    kFloat,
    kBool,
    kNone,
    kAny,
    kBytes,
    kDate,
    kTime,
    kDatetime,
    kTimedelta,
    kDecimal,
    kUuid,
    // Containers.
    kList,
    kDict,
    kTuple,
    kSet,
    kFrozenSet,
    // Choices.
    kUnion,
    kLiteral,
    // Declared by the program as JSON Schema: a choice of values, or an object with fields.
    kEnum,
    kModel,
    // DSPy's own.
    kImage,
    kAudio,
    kFile,
    kDocument,
    kCitations,
    kHistory,
    kTool,
    kToolCalls,
    kToolCallResults,
    kReasoning,
    kCode,
  };
  using LiteralValue = std::variant<std::monostate, bool, std::int64_t, std::string>;

  Kind kind = Kind::kStr;
  /// list, set, frozenset: the element's type. dict: the key's and the value's. tuple: each element's, or with
  /// `variadic` that of all. Union: the alternatives, flattened, without duplicates. A bare container has none.
  std::vector<Type> arguments = {};
  /// Literal: the permitted values, in order. monostate is None.
  std::vector<LiteralValue> literals = {};
  /// tuple: of any length. tuple[T, ...] has one argument, a bare tuple none. (tuple[()], of length 0, has no arguments
  /// and is not variadic.)
  bool variadic = false;
  /// Written in the other of two ways that DSPy tells apart: List, Dict, Tuple, Set, FrozenSet for list, dict and so
  /// on; None, not NoneType, within list[...] and its like. The values are the same.
  bool alias = false;
  /// kCode: the language, empty where none is said (it is then Python).
  std::string language = {};
  /// kEnum, kModel: what was declared. Of another kind: the declared name of a type that is neither (the type is then
  /// what the name stands for). Keeps its table alive, except within that table (where types may refer to each other in
  /// circles). Null for a type that was not declared.
  std::shared_ptr<const NamedType> named = {};
  /// Within a declared type: bounds that pydantic enforces. Null for none.
  std::shared_ptr<const Constraints> constraints = {};

  /// Whether both are written alike: the order of alternatives counts. Declared types are equal if they have one name
  /// and were declared alike.
  bool operator==(const Type&) const;

  /// Whether None stands for an output that a completion lacks: None itself or a Union with None. As in DSPy, Any and a
  /// Literal with None do not count, though None is a value of theirs.
  bool AllowsNone() const;

  /// Of a Union of None and one other type, that type; otherwise this one.
  const Type& WithoutNone() const;

  /// The type as a model reads it and as an error names it, which is DSPy's get_annotation_name: "list[int]",
  /// "Union[int, NoneType]", "Literal['a', 'b']", "tuple[int, Ellipsis]", "datetime"; a declared type by its name.
  /// Strings in Literals stand as they are.
  std::string ToString() const;

  /// The type in the notation that ParseType reads, with the same declarations, into an equal type. (A type from within
  /// a declaration may have no notation of its own: bounds are left out.)
  std::string ToNotation() const;
};

/// Whether it is one of DSPy's own types.
constexpr bool IsDspyType(Type::Kind kind) { return kind >= Type::Kind::kImage; }

/// Reads one type: "dict[str, list[int]]", "Optional[int]", "int | None", "Literal['a, b', 3, True]", "List[str]",
/// "typing.List[str]", "dspy.Image", "Person" where `types` declare it. INVALID_ARGUMENT / INVALID_SIGNATURE, metadata
/// `position` (byte offset, from 0) and `token`.
absl::StatusOr<Type> ParseType(absl::string_view text, const std::shared_ptr<const TypeTable>& types = nullptr);

}  // namespace dspex
