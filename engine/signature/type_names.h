#pragma once

#include <absl/strings/string_view.h>

#include "engine/signature/type.h"

namespace dspex {

/// What a name of a type's notation stands for, and how its brackets are read.
enum class TypeForm {
  kPlain,      // takes no arguments
  kContainer,  // list, set, dict, tuple: may stand alone
  kTuple,
  kOptional,  // these three need arguments
  kUnion,
  kLiteral,
  kCode,         // a string for the language
  kUnsupported,  // DSPy takes it, dspex does not
};

struct TypeName {
  absl::string_view module;  // empty for names that need none
  absl::string_view name;
  TypeForm form = TypeForm::kPlain;
  Type::Kind kind = Type::Kind::kAny;
  /// A name of the typing module that has a lower-case twin.
  bool alias = false;
};

/// What `name` stands for, `module` before it ("" or "typing", "datetime", "dspy", "dspy.experimental" ...); null if it
/// is not known.
const TypeName* FindTypeName(absl::string_view module, absl::string_view name);

/// The name of such a type in DSPy's prompts; empty for declared types and for dspy.Code, which are named by what else
/// they hold.
absl::string_view ShownTypeName(const Type& type);

/// The module ("" for none) and the name in the notation. For declared types, their table has the name.
struct TypeNotation {
  absl::string_view module;
  absl::string_view name;
};
TypeNotation NotationOf(const Type& type);

}  // namespace dspex
