#include "engine/adapter/xml_values.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/adapter/custom_type.h"
#include "engine/adapter/python_text.h"
#include "engine/json/python_format.h"
#include "engine/signature/tokenizer.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

// A schema may lead from one element to the same element again.
constexpr int kMaxDepth = 300;

const Json& EmptySchema() {
  static const Json empty = Json::object();
  return empty;
}

const Json* Member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

bool IsType(const Json& schema, absl::string_view type) {
  const Json* member = Member(schema, "type");
  return member != nullptr && member->is_string() && member->get_ref<const std::string&>() == type;
}

std::string Stripped(absl::string_view text) { return std::string(python_text::Strip(text)); }

// The definition that "$ref" names, by what stands behind its last slash.
const Json* FindDefinition(const Json& schema, const Json& definitions) {
  const Json* reference = Member(schema, "$ref");
  if (reference == nullptr || !reference->is_string()) return nullptr;
  const std::string& path = reference->get_ref<const std::string&>();
  const std::size_t slash = path.rfind('/');
  return Member(definitions, path.substr(slash == std::string::npos ? 0 : slash + 1).c_str());
}

class ValueReader {
 public:
  ValueReader(const XmlContent& content, const Json& definitions) : content_(content), definitions_(definitions) {}

  Json Read(const std::vector<const XmlElement*>& elements, const Json& declared, int depth) const {
    const XmlElement& first = *elements.front();
    const Json* schema = &declared;
    if (const Json* definition = FindDefinition(declared, definitions_)) schema = definition;
    if (const Json* choices = Member(*schema, "anyOf"); choices != nullptr && !choices->empty()) {
      if (AllowsNull(*choices) && IsEmpty(first)) return nullptr;
      schema = &Choose(*choices, first);
    }
    if (IsType(*schema, "array") && depth < kMaxDepth) return ReadArray(elements, *schema, depth);
    if (IsType(*schema, "string") && HasChildren(first)) return MixedText(first);
    if (HasChildren(first)) return ReadObject(first, *schema, depth);
    if (IsType(*schema, "object") && Stripped(first.text).empty()) return Json::object();
    if (elements.size() == 1) return Stripped(first.text);
    Json texts = Json::array();
    for (const XmlElement* element : elements) texts.push_back(Stripped(element->text));
    return texts;
  }

 private:
  static bool HasChildren(const XmlElement& element) { return element.first_child != XmlElement::kNone; }
  static bool IsEmpty(const XmlElement& element) { return !HasChildren(element) && Stripped(element.text).empty(); }
  static bool AllowsNull(const Json& choices) {
    return std::any_of(choices.begin(), choices.end(),
                       [](const Json& choice) { return choice.size() == 1 && IsType(choice, "null"); });
  }

  // The first alternative that is not null; for an element with children the first that is no text either.
  static const Json& Choose(const Json& choices, const XmlElement& element) {
    const Json* chosen = nullptr;
    for (const Json& choice : choices) {
      if (IsType(choice, "null")) continue;
      if (chosen == nullptr) chosen = &choice;
      if (!HasChildren(element)) break;
      if (!IsType(choice, "string")) return choice;
    }
    return chosen == nullptr ? EmptySchema() : *chosen;
  }

  Json ReadArray(const std::vector<const XmlElement*>& elements, const Json& schema, int depth) const {
    const XmlElement& first = *elements.front();
    if (elements.size() == 1 && !HasChildren(first)) {
      std::string text = Stripped(first.text);
      if (text.empty()) return Json::array();
      if (text.front() == '[') return text;
    }
    const Json* items = Member(schema, "items");
    const Json& item_schema = items == nullptr ? EmptySchema() : *items;
    std::vector<const XmlElement*> wrapped;
    if (elements.size() == 1) {
      for (const auto& [name, children] : GroupChildren(content_, first)) {
        if (name == "item") wrapped = children;
      }
    }
    Json list = Json::array();
    for (const XmlElement* element : wrapped.empty() ? elements : wrapped) {
      list.push_back(Read({element}, item_schema, depth + 1));
    }
    return list;
  }

  Json ReadObject(const XmlElement& element, const Json& schema, int depth) const {
    const Json* properties = Member(schema, "properties");
    const Json* additional = Member(schema, "additionalProperties");
    const Json& other = additional != nullptr && additional->is_object() ? *additional : EmptySchema();
    Json::object_t object;
    for (const auto& [name, children] : GroupChildren(content_, element)) {
      const Json* property = properties == nullptr ? nullptr : Member(*properties, std::string(name).c_str());
      object.emplace_back(std::string(name), Read(children, property == nullptr ? other : *property, depth + 1));
    }
    return Json(std::move(object));
  }

  std::string MixedText(const XmlElement& element) const {
    std::string text = element.text;
    for (std::size_t i = element.first_child; i != XmlElement::kNone; i = content_.at(i).next_sibling) {
      text += content_.ToString(content_.at(i));
    }
    return text;
  }

  const XmlContent& content_;
  const Json& definitions_;
};

class StructureWriter {
 public:
  explicit StructureWriter(const Json& definitions) : definitions_(definitions) {}

  void Append(std::string& out, absl::string_view tag, const Json& schema) {
    if (Member(schema, "$ref") != nullptr) return AppendReferred(out, tag, schema);
    if (const Json* choices = Member(schema, "anyOf"); choices != nullptr && !choices->empty()) {
      const auto found =
          std::find_if(choices->begin(), choices->end(), [](const Json& choice) { return !IsType(choice, "null"); });
      return Append(out, tag, found == choices->end() ? choices->front() : *found);
    }
    absl::StrAppend(&out, "<", tag, ">");
    const std::size_t begin = out.size();
    if (IsType(schema, "array")) {
      const Json* items = Member(schema, "items");
      Append(out, "item", items == nullptr ? EmptySchema() : *items);
    } else if (const Json* properties = Member(schema, "properties")) {
      for (const auto& [name, property] : properties->items()) Append(out, name, property);
    }
    absl::StrAppend(&out, out.size() == begin ? "..." : "", "</", tag, ">");
  }

 private:
  // A type within itself ends there.
  void AppendReferred(std::string& out, absl::string_view tag, const Json& schema) {
    const Json* definition = FindDefinition(schema, definitions_);
    if (definition == nullptr || std::find(seen_.begin(), seen_.end(), definition) != seen_.end() ||
        out.size() > kMaxStructureBytes) {
      absl::StrAppend(&out, "<", tag, ">...</", tag, ">");
      return;
    }
    seen_.push_back(definition);
    Append(out, tag, *definition);
    seen_.pop_back();
  }

  // Types that refer to each other many times over would grow it exponentially.
  static constexpr std::size_t kMaxStructureBytes = 256 * 1024;

  const Json& definitions_;
  std::vector<const Json*> seen_;
};

const Json& DefinitionsOf(const Json& schema) {
  const Json* definitions = Member(schema, "$defs");
  return definitions == nullptr ? EmptySchema() : *definitions;
}

// Whether the key can name an element; others stand in an attribute.
bool IsTag(const std::string& key) {
  if (key.empty()) return false;
  const std::size_t first = python_text::PrefixLength(key, 1);
  const std::string name =
      absl::StrCat(key.substr(0, first), absl::StrReplaceAll(key.substr(first), {{"-", "_"}, {".", "_"}}));
  return !NormalizeIdentifier(name).empty();
}

void AppendEscaped(std::string& out, absl::string_view text) {
  out += absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}});
}

// xml.sax.saxutils.quoteattr.
std::string QuotedAttribute(absl::string_view value) {
  std::string text = absl::StrReplaceAll(
      value, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\n", "&#10;"}, {"\r", "&#13;"}, {"\t", "&#9;"}});
  if (text.find('"') == std::string::npos) return absl::StrCat("\"", text, "\"");
  if (text.find('\'') == std::string::npos) return absl::StrCat("'", text, "'");
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "&quot;"}}), "\"");
}

void AppendElement(std::string& out, const Json& value, absl::string_view tag, absl::string_view attributes) {
  const bool is_nan = value.is_number_float() && !std::isfinite(value.get<double>());
  if (value.is_null() || is_nan || (value.is_array() && value.empty())) {
    absl::StrAppend(&out, "<", tag, attributes, " />");
    return;
  }
  absl::StrAppend(&out, "<", tag, attributes, ">");
  if (value.is_array()) {
    for (const Json& item : value) AppendElement(out, item, "item", "");
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
      if (IsTag(key)) {
        AppendElement(out, member, key, "");
      } else {
        AppendElement(out, member, "entry", absl::StrCat(" key=", QuotedAttribute(key)));
      }
    }
  } else {
    AppendEscaped(out, PythonStr(value));
  }
  absl::StrAppend(&out, "</", tag, ">");
}

}  // namespace

bool UsesNestedXml(const Type& declared) {
  const Type& type = declared.WithoutNone();
  if (type.kind == Kind::kModel) return true;
  // DSPy does not see what stands behind a name, nor that list is a list.
  if (type.named != nullptr || (type.arguments.empty() && !type.alias)) return false;
  switch (type.kind) {
    case Kind::kList:
      return type.arguments.empty() || BuiltinName(type.arguments.front().kind).empty();
    case Kind::kDict:
      return true;
    default:
      return false;
  }
}

void AppendXmlValue(std::string& out, const Json& value, absl::string_view tag) { AppendElement(out, value, tag, ""); }

std::string XmlStructure(absl::string_view tag, const Json& schema) {
  std::string out;
  StructureWriter(DefinitionsOf(schema)).Append(out, tag, schema);
  return out;
}

XmlGroups GroupChildren(const XmlContent& content, const XmlElement& element) {
  XmlGroups groups;
  absl::flat_hash_map<absl::string_view, std::size_t> places;
  for (std::size_t i = element.first_child; i != XmlElement::kNone; i = content.at(i).next_sibling) {
    const XmlElement& child = content.at(i);
    const std::string* key = child.tag == "entry" ? child.FindAttribute("key") : nullptr;
    const absl::string_view name = key == nullptr ? child.tag : *key;
    const auto [place, added] = places.try_emplace(name, groups.size());
    if (added) groups.emplace_back(name, std::vector<const XmlElement*>());
    groups[place->second].second.push_back(&child);
  }
  return groups;
}

Json XmlElementsToValue(const XmlContent& content, const std::vector<const XmlElement*>& elements, const Json& schema,
                        const Json& definitions) {
  return ValueReader(content, definitions).Read(elements, schema, 0);
}

}  // namespace dspex
