#include "engine/adapter/python_value.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "engine/adapter/python_media.h"
#include "engine/adapter/python_time.h"
#include "engine/adapter/typed_value.h"
#include "engine/json/python_format.h"
#include "engine/json/python_repr.h"
#include "engine/signature/named_type.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

class PythonPrinter {
 public:
  PythonPrinter(const Phrasebook& book, const Signature& signature) : book_(book), signature_(signature) {}

  std::string Str(const Type& declared, const Json& value) {
    const Type& type = *AlternativeOf(declared, value);
    switch (type.kind) {
      case Kind::kModel:
        if (value.is_object()) return Members(type, value, " ");
        break;
      case Kind::kEnum:
        if (value.is_number_integer() && IsIntEnum(type)) break;
        if (std::string name = MemberName(type, value); !name.empty()) return absl::StrCat(type.ToString(), ".", name);
        break;
      case Kind::kHistory:
        if (value.is_object()) return HistoryText(value);
        break;
      default:
        break;
    }
    if (auto text = BuiltinStr(book_, type, value)) return *std::move(text);
    if (value.is_string()) {
      if (auto text = PythonTimeStr(type.kind, value.get_ref<const std::string&>())) return *std::move(text);
      if (type.kind == Kind::kBytes) return TextRepr(type, value);
    }
    return value.is_structured() ? Repr(type, value) : PythonStr(value);
  }

 private:
  std::string Repr(const Type& declared, const Json& value) {
    const Type& type = *AlternativeOf(declared, value);
    if (auto text = BuiltinRepr(type, value)) return *std::move(text);
    if (value.is_array()) return Sequence(type, value);
    if (value.is_object() && type.kind == Kind::kModel) {
      return absl::StrCat(type.ToString(), "(", Members(type, value, ", "), ")");
    }
    if (value.is_object() && type.kind == Kind::kDict) {
      std::string out = "{";
      for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
        if (out.size() > 1) out += ", ";
        absl::StrAppend(&out, KeyRepr(type, key), ": ", Repr(MemberType(type, key), member));
      }
      return out + "}";
    }
    if (value.is_string()) return TextRepr(type, value);
    if (type.kind == Kind::kEnum) {
      if (const std::string name = MemberName(type, value); !name.empty()) return EnumRepr(type, name, value);
    }
    return PythonRepr(value);
  }

  // Each turn is a dict whose values are of the fields' types.
  std::string HistoryText(const Json& value) {
    const auto messages = value.find("messages");
    std::string out;
    for (const Json& message : messages == value.end() ? Json::array() : *messages) {
      if (!out.empty()) out += ", ";
      if (!message.is_object()) {
        out += PythonRepr(message);
        continue;
      }
      std::string turn;
      for (const auto& [key, member] : message.get_ref<const Json::object_t&>()) {
        const Field* field = signature_.FindInput(key);
        if (field == nullptr) field = signature_.FindOutput(key);
        absl::StrAppend(&turn, turn.empty() ? "" : ", ", PythonRepr(key), ": ",
                        field == nullptr ? PythonRepr(member) : Repr(field->type, member));
      }
      absl::StrAppend(&out, "{", turn, "}");
    }
    return absl::StrCat("messages=[", out, "]");
  }

  // JSON's keys are texts; Python's are what their type says.
  std::string KeyRepr(const Type& dict, const std::string& key) {
    if (dict.arguments.empty()) return PythonRepr(key);
    const Type& type = dict.arguments.front();
    if (type.kind == Kind::kInt || type.kind == Kind::kFloat) return key;
    if (type.kind == Kind::kBool) return key == "true" ? "True" : "False";
    return TextRepr(type, key);
  }

  std::string TextRepr(const Type& type, const Json& value) {
    if (auto text = PythonTimeRepr(type.kind, value.get_ref<const std::string&>())) return *std::move(text);
    const std::string quoted = PythonRepr(value);
    switch (type.kind) {
      case Kind::kDecimal:
        return absl::StrCat("Decimal(", quoted, ")");
      case Kind::kUuid:
        return absl::StrCat("UUID(", quoted, ")");
      case Kind::kBytes:
        return PythonBytesRepr(value.get_ref<const std::string&>());
      case Kind::kEnum:
        if (const std::string name = MemberName(type, value); !name.empty()) return EnumRepr(type, name, value);
        return quoted;
      default:
        return quoted;
    }
  }

  static std::string EnumRepr(const Type& type, const std::string& name, const Json& value) {
    return absl::StrCat("<", type.ToString(), ".", name, ": ", PythonRepr(value), ">");
  }

  std::string Sequence(const Type& type, const Json& value) {
    std::string out;
    std::size_t index = 0;
    for (const Json& element : value) {
      if (index > 0) out += ", ";
      out += Repr(ElementType(type, index++), element);
    }
    switch (type.kind) {
      case Kind::kTuple:
        return absl::StrCat("(", out, value.size() == 1 ? ",)" : ")");
      case Kind::kSet:
        return value.empty() ? "set()" : absl::StrCat("{", out, "}");
      case Kind::kFrozenSet:
        return value.empty() ? "frozenset()" : absl::StrCat("frozenset({", out, "})");
      default:
        return absl::StrCat("[", out, "]");
    }
  }

  std::string Members(const Type& type, const Json& value, absl::string_view separator) {
    std::string out;
    for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
      if (!out.empty()) absl::StrAppend(&out, separator);
      absl::StrAppend(&out, key, "=", Repr(MemberType(type, key), member));
    }
    return out;
  }

  // The members of an IntEnum print as numbers.
  static bool IsIntEnum(const Type& type) {
    return type.named != nullptr && type.named->mixin == NamedType::Mixin::kInt;
  }

  static std::string MemberName(const Type& type, const Json& value) {
    if (type.named == nullptr) return "";
    for (const EnumMember& member : type.named->members) {
      if (*member.value == value) return member.name;
    }
    return "";
  }

  const Phrasebook& book_;
  const Signature& signature_;
};

}  // namespace

std::string PythonText(const Phrasebook& book, const Signature& signature, const Type& type, const Json& value) {
  return PythonPrinter(book, signature).Str(type, value);
}

}  // namespace dspex
