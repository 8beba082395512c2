#include "engine/adapter/field_wording.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>
#include <variant>

#include "engine/adapter/custom_type.h"
#include "engine/adapter/python_text.h"
#include "engine/json/python_format.h"
#include "engine/json/python_repr.h"
#include "engine/signature/json_schema.h"
#include "engine/signature/named_type.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

// What DSPy's types within the field's say of themselves, in the order in which they stand.
void AppendTypeDescriptions(std::string& out, const Phrasebook& book, const Type& type) {
  for (const Type& argument : type.arguments) AppendTypeDescriptions(out, book, argument);
  const auto found = book.type_descriptions.find(BuiltinName(type.kind));
  if (found == book.type_descriptions.end()) return;
  const std::string language = type.language.empty() ? "python" : type.language;
  const std::string text =
      found->second.Render({{"language", language}, {"language_lower", absl::AsciiStrToLower(language)}});
  if (!text.empty()) book.type_description.AppendTo(out, {{"type", type.ToString()}, {"text", text}});
}

const Phrase* ConstraintPhrase(const Phrasebook& book, absl::string_view rule) {
  static constexpr std::pair<absl::string_view, Phrase Phrasebook::*> kPhrases[] = {
      {"gt", &Phrasebook::constraint_gt},
      {"ge", &Phrasebook::constraint_ge},
      {"lt", &Phrasebook::constraint_lt},
      {"le", &Phrasebook::constraint_le},
      {"multiple_of", &Phrasebook::constraint_multiple_of},
      {"min_length", &Phrasebook::constraint_min_length},
      {"max_length", &Phrasebook::constraint_max_length},
      {"allow_inf_nan", &Phrasebook::constraint_allow_inf_nan},
      {"pattern", &Phrasebook::constraint_pattern},
      {"one_of", &Phrasebook::constraint_one_of},
      {"min_items", &Phrasebook::constraint_min_items},
      {"max_items", &Phrasebook::constraint_max_items},
      {"unique", &Phrasebook::constraint_unique},
  };
  for (const auto& [name, phrase] : kPhrases) {
    if (name == rule) return &(book.*phrase);
  }
  return nullptr;
}

void AppendConstraints(std::string& out, const Phrasebook& book, const Field& field) {
  std::vector<std::string> texts;
  for (const FieldConstraint& constraint : field.constraints) {
    const Phrase* phrase = ConstraintPhrase(book, constraint.rule);
    if (phrase == nullptr || phrase->empty() || constraint.value == nullptr) continue;
    const std::string value =
        constraint.value->is_structured() ? PythonRepr(*constraint.value) : PythonStr(*constraint.value);
    texts.push_back(phrase->Render({{"value", value}}));
  }
  if (!texts.empty()) book.constraints.AppendTo(out, {{"constraints", texts}});
}

std::string LiteralText(const Type::LiteralValue& literal) {
  std::string text;
  std::visit(
      [&text](const auto& value) {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
          AppendPythonStr(text, Json());
        } else {
          AppendPythonStr(text, Json(value));
        }
      },
      literal);
  return text;
}

std::string SchemaText(const Phrasebook& book, const Field& field) {
  if (!field.schema_note.empty()) return field.schema_note;
  return PythonJsonDumps(TypeFirst(SchemaOf(book, field.type)));
}

std::string Note(const Phrasebook& book, const Field& field) {
  const Type& type = field.type;
  if (IsPlain(type, Kind::kStr) || IsPlain(type, Kind::kReasoning) || IsPlain(type, Kind::kCode)) return "";
  if (IsPlain(type, Kind::kBool)) return book.note_bool.Render({{"type", "bool"}});
  if (IsPlain(type, Kind::kInt)) return book.note_number.Render({{"type", "int"}});
  if (IsPlain(type, Kind::kFloat)) return book.note_number.Render({{"type", "float"}});
  std::vector<std::string> values;
  if (type.kind == Kind::kEnum && type.named != nullptr) {
    for (const EnumMember& member : type.named->members) values.push_back(PythonStr(*member.value));
    return book.note_enum.Render({{"values", values}});
  }
  if (IsPlain(type, Kind::kLiteral)) {
    for (const Type::LiteralValue& literal : type.literals) values.push_back(LiteralText(literal));
    return book.note_literal.Render({{"values", values}});
  }
  return book.note_schema.Render({{"schema", SchemaText(book, field)}});
}

}  // namespace

Json SchemaOf(const Phrasebook& book, const Type& type, bool by_alias) {
  return JsonSchema(type, [&book](const Type& builtin) { return book.FindBuiltinSchema(builtin); }, by_alias);
}

bool IsPlain(const Type& type, Kind kind) { return type.kind == kind && type.named == nullptr; }

std::string FieldList(const Phrasebook& book, const std::vector<Field>& fields) {
  std::string list;
  std::size_t index = 0;
  for (const Field& field : fields) {
    if (index > 0) list.push_back('\n');
    ++index;
    const bool described = !field.description.empty() && field.description != absl::StrCat("${", field.name, "}");
    (described ? book.described_field : book.field)
        .AppendTo(list, {{"index", absl::StrCat(index)},
                         {"name", field.name},
                         {"type", field.type.ToString()},
                         {"description", field.description}});
    AppendTypeDescriptions(list, book, field.type);
    AppendConstraints(list, book, field);
  }
  return std::string(python_text::Strip(list));
}

std::string Placeholder(const Phrasebook& book, const Field& field, bool output) {
  return book.placeholder.Render({{"name", field.name}, {"note", output ? Note(book, field) : std::string()}});
}

std::string InstructionsOf(const Phrasebook& book, const Signature& signature) {
  if (!signature.instructions().empty()) return signature.instructions();
  const auto named = [&book](const std::vector<std::string>& names) {
    std::vector<std::string> texts;
    texts.reserve(names.size());
    for (const std::string& name : names) texts.push_back(book.name.Render({{"name", name}}));
    return texts;
  };
  return book.instructions.Render(
      {{"inputs", named(signature.default_inputs())}, {"outputs", named(signature.default_outputs())}});
}

std::vector<std::string> InstructionLines(const Phrasebook& book, const Signature& signature) {
  return python_text::SplitLines(python_text::Dedent(InstructionsOf(book, signature)));
}

}  // namespace dspex
