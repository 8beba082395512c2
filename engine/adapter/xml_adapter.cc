#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapter/adapter_base.h"
#include "engine/adapter/field_wording.h"
#include "engine/adapter/parse_value.h"
#include "engine/adapter/python_text.h"
#include "engine/adapter/xml_reader.h"
#include "engine/adapter/xml_values.h"
#include "engine/json/utf8.h"
#include "engine/signature/coerce.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

void AppendTag(std::string& out, absl::string_view name, absl::string_view text) {
  absl::StrAppend(&out, "<", name, ">\n", text, "\n</", name, ">");
}

class XmlAdapter final : public AdapterBase {
 public:
  explicit XmlAdapter(AdapterParts parts) : AdapterBase(std::move(parts)) {
    std::vector<std::string> names;
    std::vector<std::string> structures;
    for (const Field& field : signature().outputs()) {
      schemas_.push_back(SchemaOf(book(), field.type, false));
      aliased_.push_back(schemas_.back() != SchemaOf(book(), field.type));
      names.push_back(book().xml_reminder_field.Render({{"name", field.name}}));
      if (UsesNestedXml(field.type)) structures.push_back(XmlStructure(field.name, schemas_.back()));
    }
    const std::string structure =
        structures.empty() ? "" : book().xml_reminder_structure.Render({{"schemas", structures}});
    set_reminder(book().xml_reminder.Render({{"fields", names}, {"structure", structure}}));
  }

  absl::StatusOr<Json> Parse(absl::string_view text) const override {
    std::string valid;
    if (ValidUtf8Prefix(text) != text.size()) text = valid = python_text::ValidUtf8(text);
    const absl::StatusOr<XmlContent> content = XmlContent::Parse(text);
    if (!content.ok()) return Malformed("is no well-formed XML");
    const XmlGroups groups = GroupChildren(*content, content->root());
    const std::vector<Field>& fields = signature().outputs();
    std::vector<std::optional<Json>> values(fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto found =
          std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group.first == fields[i].name; });
      if (found == groups.end()) continue;
      absl::StatusOr<Json> value = ReadField(*content, found->second, fields[i], schemas_[i], aliased_[i]);
      if (!value.ok()) return value.status();
      values[i] = *std::move(value);
    }
    return Complete(std::move(values));
  }

  std::unique_ptr<CompletionReader> NewReader() const override { return MakeXmlReader(signature().outputs()); }

 protected:
  absl::StatusOr<std::string> System() const override {
    return book().xml_system.Render({{"input_fields", FieldList(book(), signature().inputs())},
                                     {"output_fields", FieldList(book(), signature().outputs())},
                                     {"input_pattern", InputPattern()},
                                     {"output_pattern", OutputPattern()},
                                     {"instructions", InstructionLines(book(), signature())}});
  }

  absl::Status AppendInputs(const Fields& fields, const Json& values, Content& out) const override {
    for (const ValueWriter* writer : fields) {
      const std::string& name = writer->field().name;
      const Json* value = FindMember(values, name);
      if (value == nullptr) continue;
      out.Separate();
      absl::StrAppend(&out.text(), "<", name, ">\n");
      if (absl::Status status = writer->AppendTo(out, *value); !status.ok()) return status;
      absl::StrAppend(&out.text(), "\n</", name, ">");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Answer(const Fields& fields, const Json& values,
                                     const std::string* missing) const override {
    std::string text;
    for (const ValueWriter* writer : fields) {
      const Field& field = writer->field();
      const Json* given = FindMember(values, field.name);
      const Json value = given != nullptr ? *given : missing != nullptr ? Json(*missing) : Json();
      if (!text.empty()) text += "\n\n";
      if (UsesNestedXml(field.type) && value.is_structured()) {
        AppendXmlValue(text, writer->ToPlain(value), field.name);
        continue;
      }
      Content content(Content::Blocks::kMarked);
      if (absl::Status status = writer->AppendTo(content, value); !status.ok()) return status;
      const bool escaped = IsPlain(field.type, Kind::kStr);
      AppendTag(text, field.name,
                escaped ? absl::StrReplaceAll(content.text(), {{"&", "&amp;"}, {"<", "&lt;"}}) : content.text());
    }
    return text;
  }

 private:
  std::string InputPattern() const {
    std::string pattern;
    for (const Field& field : signature().inputs()) {
      if (!pattern.empty()) pattern += "\n\n";
      AppendTag(pattern, field.name, Placeholder(book(), field, false));
    }
    return pattern;
  }

  std::string OutputPattern() const {
    std::string pattern;
    for (std::size_t i = 0; i < schemas_.size(); ++i) {
      const Field& field = signature().outputs()[i];
      if (!pattern.empty()) pattern += "\n\n";
      if (UsesNestedXml(field.type)) {
        pattern += XmlStructure(field.name, schemas_[i]);
      } else {
        const std::string placeholder = Placeholder(book(), field, true);
        const bool escaped = IsPlain(field.type, Kind::kStr);
        AppendTag(pattern, field.name,
                  escaped ? absl::StrReplaceAll(placeholder, {{"&", "&amp;"}, {"<", "&lt;"}}) : placeholder);
      }
    }
    return pattern;
  }

  // The value by the field's schema or, if that fails, by its alternatives; each is tried as a completion's value and,
  // where only the type refused it, as it stands.
  static absl::StatusOr<Json> ReadField(const XmlContent& content, const std::vector<const XmlElement*>& elements,
                                        const Field& field, const Json& schema, bool aliased) {
    static const Json no_definitions = Json::object();
    const auto definitions = schema.find("$defs");
    const Json& known = definitions == schema.end() ? no_definitions : *definitions;
    std::vector<const Json*> candidates = {&schema};
    if (const auto choices = schema.find("anyOf"); choices != schema.end()) {
      for (const Json& choice : *choices) candidates.push_back(&choice);
    }
    absl::Status error;
    for (const Json* candidate : candidates) {
      const Json value = XmlElementsToValue(content, elements, *candidate, known);
      absl::StatusOr<Json> read = ParseFieldValue(field.type, value);
      if (read.ok()) return read;
      error = read.status();
      if (field.type.kind == Kind::kEnum) continue;
      // Elements have the names that fields have in Python.
      read = aliased ? CoerceGiven(field.type, value) : Coerce(field.type, value);
      if (read.ok()) return read;
    }
    return Invalid(field, error);
  }

  std::vector<Json> schemas_;
  // Whether a field within has an alias.
  std::vector<bool> aliased_;
};

}  // namespace

std::unique_ptr<AdapterBase> MakeXmlAdapter(AdapterParts parts) {
  return std::make_unique<XmlAdapter>(std::move(parts));
}

}  // namespace dspex
