#include "engine/adapter/baml_types.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "engine/adapter/baml_builtins.h"
#include "engine/adapter/field_wording.h"
#include "engine/adapter/python_text.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/python_format.h"
#include "engine/signature/named_type.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

std::string Indent(int levels) { return std::string(static_cast<std::size_t>(2 * levels), ' '); }

std::string LiteralText(const Type::LiteralValue& literal) {
  if (const auto* text = std::get_if<std::string>(&literal)) return absl::StrCat("\"", *text, "\"");
  if (const auto* boolean = std::get_if<bool>(&literal)) return *boolean ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&literal)) return absl::StrCat(*number);
  return "null";
}

class Writer {
 public:
  explicit Writer(const Phrasebook& book) : book_(book) {}

  /// The object that the type is; none if it is no object.
  std::optional<BamlObject> ObjectOf(const Type& type) const {
    if (type.kind == Kind::kModel && type.named != nullptr) return DeclaredObject(*type.named);
    return BuiltinObject(book_, type);
  }

  // `seen`: the objects so far, if this is within one. DSPy never forgets one, so a second use is refused too.
  absl::StatusOr<std::string> TypeText(const Type& type, int indent, std::vector<std::string>* seen) {
    if (const std::optional<BamlObject> object = ObjectOf(type)) return ObjectText(*object, indent, seen);
    if (type.named != nullptr) return type.ToString();
    switch (type.kind) {
      case Kind::kStr:
        return "string";
      case Kind::kInt:
        return "int";
      case Kind::kFloat:
        return "float";
      case Kind::kBool:
        return "boolean";
      case Kind::kUnion:
        return UnionText(type, indent, seen);
      case Kind::kLiteral: {
        std::vector<std::string> members;
        for (const Type::LiteralValue& literal : type.literals) members.push_back(LiteralText(literal));
        return absl::StrJoin(members, " or ");
      }
      case Kind::kList:
        if (!type.arguments.empty()) return ListText(type.arguments.front(), indent, seen);
        break;
      case Kind::kDict:
        if (type.arguments.size() == 2) return DictText(type, indent, seen);
        break;
      default:
        break;
    }
    // The name alone, without what stands in its brackets.
    const std::string name = type.ToString();
    return name.substr(0, name.find('['));
  }

 private:
  static BamlObject DeclaredObject(const NamedType& named) {
    BamlObject object;
    object.key = named.name;
    object.documentation = named.description;
    for (const ModelField& field : named.fields) {
      object.fields.push_back({field.name, field.type, field.description, field.alias});
    }
    return object;
  }

  absl::StatusOr<std::string> UnionText(const Type& type, int indent, std::vector<std::string>* seen) {
    std::vector<std::string> texts;
    bool null = false;
    for (const Type& alternative : type.arguments) {
      if (alternative.kind == Kind::kNone) {
        null = true;
        continue;
      }
      absl::StatusOr<std::string> text = TypeText(alternative, indent, seen);
      if (!text.ok()) return text;
      texts.push_back(*std::move(text));
    }
    return absl::StrCat(absl::StrJoin(texts, " or "), null ? " or null" : "");
  }

  absl::StatusOr<std::string> ListText(const Type& element, int indent, std::vector<std::string>* seen) {
    if (const std::optional<BamlObject> object = ObjectOf(element)) {
      absl::StatusOr<std::string> text = ObjectText(*object, indent + 1, seen);
      if (!text.ok()) return text;
      return absl::StrCat("[\n", *text, "\n", Indent(indent), "]");
    }
    absl::StatusOr<std::string> text = TypeText(element, indent, seen);
    if (!text.ok()) return text;
    return absl::StrCat(*text, "[]");
  }

  absl::StatusOr<std::string> DictText(const Type& type, int indent, std::vector<std::string>* seen) {
    absl::StatusOr<std::string> key = TypeText(type.arguments[0], indent, seen);
    if (!key.ok()) return key;
    absl::StatusOr<std::string> value = TypeText(type.arguments[1], indent, seen);
    if (!value.ok()) return value;
    return absl::StrCat("dict[", *key, ", ", *value, "]");
  }

  static void AppendComments(std::vector<std::string>& lines, const std::string& indent, absl::string_view text) {
    for (const absl::string_view line : absl::StrSplit(python_text::Strip(text), '\n')) {
      const absl::string_view stripped = python_text::Strip(line);
      if (!stripped.empty()) lines.push_back(absl::StrCat(indent, "# ", stripped));
    }
  }

  absl::StatusOr<std::string> ObjectText(const BamlObject& object, int indent, std::vector<std::string>* outer) {
    std::vector<std::string> own;
    std::vector<std::string>& seen = outer == nullptr ? own : *outer;
    if (std::find(seen.begin(), seen.end(), object.key) != seen.end()) {
      return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidSignature,
                   absl::StrCat("The BAML layout cannot show the type ", object.key,
                                ", which comes up twice in one output. Use another adapter."))
          .With("token", object.key);
    }
    seen.push_back(object.key);
    std::vector<std::string> lines;
    const std::string inner = Indent(indent + 1);
    if (indent == 0) AppendComments(lines, "", object.documentation);
    lines.push_back(absl::StrCat(Indent(indent), "{"));
    if (object.fields.empty()) lines.push_back(absl::StrCat(inner, "# ", book_.baml_no_fields.Render({})));
    for (const BamlField& field : object.fields) {
      if (!field.description.empty()) {
        lines.push_back(absl::StrCat(inner, "# ", field.description));
      } else if (!field.alias.empty() && field.alias != field.name) {
        lines.push_back(absl::StrCat(inner, "# ", book_.baml_alias.Render({{"alias", field.alias}})));
      }
      if (const std::optional<BamlObject> nested = ObjectOf(field.type.WithoutNone())) {
        AppendComments(lines, inner, nested->documentation);
      }
      absl::StatusOr<std::string> type = TypeText(field.type, indent + 1, &seen);
      if (!type.ok()) return type;
      lines.push_back(absl::StrCat(inner, field.name, ": ", *type, ","));
    }
    lines.push_back(absl::StrCat(Indent(indent), "}"));
    return absl::StrJoin(lines, "\n");
  }

  const Phrasebook& book_;
};

}  // namespace

absl::StatusOr<std::string> BamlType(const Phrasebook& book, const Type& type) {
  return Writer(book).TypeText(type, 0, nullptr);
}

}  // namespace dspex
