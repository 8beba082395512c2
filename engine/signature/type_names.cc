#include "engine/signature/type_names.h"

#include <absl/strings/match.h>

#include <algorithm>
#include <iterator>

namespace dspex {

namespace {

using Kind = Type::Kind;

// Of two names for one thing the first is the one that is printed.
constexpr TypeName kNames[] = {
    {"", "str", TypeForm::kPlain, Kind::kStr},
    {"", "int", TypeForm::kPlain, Kind::kInt},
    {"", "float", TypeForm::kPlain, Kind::kFloat},
    {"", "bool", TypeForm::kPlain, Kind::kBool},
    {"", "bytes", TypeForm::kPlain, Kind::kBytes},
    {"", "NoneType", TypeForm::kPlain, Kind::kNone},
    {"", "None", TypeForm::kPlain, Kind::kNone, true},
    {"", "list", TypeForm::kContainer, Kind::kList},
    {"", "dict", TypeForm::kContainer, Kind::kDict},
    {"", "tuple", TypeForm::kTuple, Kind::kTuple},
    {"", "set", TypeForm::kContainer, Kind::kSet},
    {"", "frozenset", TypeForm::kContainer, Kind::kFrozenSet},
    {"", "complex", TypeForm::kUnsupported},
    {"", "bytearray", TypeForm::kUnsupported},
    {"", "Field", TypeForm::kUnsupported},
    {"typing", "Any", TypeForm::kPlain, Kind::kAny},
    {"typing", "Text", TypeForm::kPlain, Kind::kStr},
    {"typing", "List", TypeForm::kContainer, Kind::kList, true},
    {"typing", "Dict", TypeForm::kContainer, Kind::kDict, true},
    {"typing", "Tuple", TypeForm::kTuple, Kind::kTuple, true},
    {"typing", "Set", TypeForm::kContainer, Kind::kSet, true},
    {"typing", "FrozenSet", TypeForm::kContainer, Kind::kFrozenSet, true},
    {"typing", "Optional", TypeForm::kOptional},
    {"typing", "Union", TypeForm::kUnion},
    {"typing", "Literal", TypeForm::kLiteral},
    {"datetime", "datetime", TypeForm::kPlain, Kind::kDatetime},
    {"datetime", "date", TypeForm::kPlain, Kind::kDate},
    {"datetime", "time", TypeForm::kPlain, Kind::kTime},
    {"datetime", "timedelta", TypeForm::kPlain, Kind::kTimedelta},
    {"decimal", "Decimal", TypeForm::kPlain, Kind::kDecimal},
    {"uuid", "UUID", TypeForm::kPlain, Kind::kUuid},
    {"dspy", "Image", TypeForm::kPlain, Kind::kImage},
    {"dspy", "Audio", TypeForm::kPlain, Kind::kAudio},
    {"dspy", "File", TypeForm::kPlain, Kind::kFile},
    {"dspy.experimental", "Document", TypeForm::kPlain, Kind::kDocument},
    {"dspy.experimental", "Citations", TypeForm::kPlain, Kind::kCitations},
    {"dspy", "History", TypeForm::kPlain, Kind::kHistory},
    {"dspy", "Tool", TypeForm::kPlain, Kind::kTool},
    {"dspy", "ToolCalls", TypeForm::kPlain, Kind::kToolCalls},
    {"dspy", "ToolCallResults", TypeForm::kPlain, Kind::kToolCallResults},
    {"dspy", "Reasoning", TypeForm::kPlain, Kind::kReasoning},
    {"dspy", "Code", TypeForm::kCode, Kind::kCode},
    {"typing", "Annotated", TypeForm::kUnsupported},
    {"typing", "Callable", TypeForm::kUnsupported},
    {"typing", "ChainMap", TypeForm::kUnsupported},
    {"typing", "Collection", TypeForm::kUnsupported},
    {"typing", "Counter", TypeForm::kUnsupported},
    {"typing", "DefaultDict", TypeForm::kUnsupported},
    {"typing", "Deque", TypeForm::kUnsupported},
    {"typing", "Hashable", TypeForm::kUnsupported},
    {"typing", "Iterable", TypeForm::kUnsupported},
    {"typing", "Mapping", TypeForm::kUnsupported},
    {"typing", "MutableMapping", TypeForm::kUnsupported},
    {"typing", "MutableSequence", TypeForm::kUnsupported},
    {"typing", "NamedTuple", TypeForm::kUnsupported},
    {"typing", "OrderedDict", TypeForm::kUnsupported},
    {"typing", "Pattern", TypeForm::kUnsupported},
    {"typing", "Sequence", TypeForm::kUnsupported},
    {"typing", "Type", TypeForm::kUnsupported},
    {"typing", "TypedDict", TypeForm::kUnsupported},
};

// DSPy's own types under each path that leads to them: dspy.adapters.types.image.Image.
absl::string_view CanonicalModule(absl::string_view module, absl::string_view name) {
  if (!absl::StartsWith(module, "dspy")) return module;
  for (const absl::string_view known :
       {"dspy", "dspy.experimental", "dspy.adapters", "dspy.adapters.types", "dspy.adapters.types.image",
        "dspy.adapters.types.audio", "dspy.adapters.types.file", "dspy.adapters.types.document",
        "dspy.adapters.types.citation", "dspy.adapters.types.history", "dspy.adapters.types.tool",
        "dspy.adapters.types.reasoning", "dspy.adapters.types.code"}) {
    if (module == known) return name == "Document" || name == "Citations" ? "dspy.experimental" : "dspy";
  }
  return module;
}

const TypeName& NameOf(const Type& type) {
  return *std::find_if(std::begin(kNames), std::end(kNames), [&type](const TypeName& entry) {
    return entry.form != TypeForm::kUnsupported && entry.kind == type.kind && entry.alias == type.alias;
  });
}

}  // namespace

const TypeName* FindTypeName(absl::string_view module, absl::string_view name) {
  module = CanonicalModule(module, name);
  const auto* found = std::find_if(std::begin(kNames), std::end(kNames), [&](const TypeName& entry) {
    // Names of typing stand without their module too.
    return entry.name == name && (entry.module == module || (module.empty() && entry.module == "typing"));
  });
  return found == std::end(kNames) ? nullptr : found;
}

absl::string_view ShownTypeName(const Type& type) {
  switch (type.kind) {
    case Kind::kUnion:
      return "Union";
    case Kind::kLiteral:
      return "Literal";
    case Kind::kEnum:
    case Kind::kModel:
    case Kind::kCode:
      return "";
    case Kind::kReasoning:  // DSPy shows the text that it is.
      return "str";
    case Kind::kList:
      return "list";
    case Kind::kDict:
      return "dict";
    case Kind::kTuple:
      return "tuple";
    case Kind::kSet:
      return "set";
    case Kind::kFrozenSet:
      return "frozenset";
    default:
      return NameOf(type).name;
  }
}

TypeNotation NotationOf(const Type& type) {
  switch (type.kind) {
    case Kind::kUnion:
      return {"", "Union"};
    case Kind::kLiteral:
      return {"", "Literal"};
    case Kind::kEnum:
    case Kind::kModel:
      return {};
    default: {
      const TypeName& name = NameOf(type);
      return {name.module == "typing" ? "" : name.module, name.name};
    }
  }
}

}  // namespace dspex
