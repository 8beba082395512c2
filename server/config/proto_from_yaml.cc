#include "server/config/proto_from_yaml.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/time/time.h>
#include <google/protobuf/descriptor.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/nearest.h"

namespace dspex {

namespace {

using google::protobuf::Descriptor;
using google::protobuf::Duration;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

/// Reads the values of one file. Recursion is bounded by the nesting of the message types.
class Reader {
 public:
  explicit Reader(absl::string_view file) : file_(file) {}

  absl::Status Read(const YamlNode& node, Message& message) const {
    if (const auto* duration = Duration::descriptor(); message.GetDescriptor() == duration) {
      return ReadDuration(node, message);
    }
    // "limits:" with everything below it commented out.
    if (node.kind == YamlNode::Kind::kNull) return absl::OkStatus();
    if (node.kind != YamlNode::Kind::kMap) return Wrong(node, "needs keys and values below it");
    for (const YamlEntry& entry : node.entries) {
      const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(entry.key);
      if (field == nullptr) return UnknownKey(entry, *message.GetDescriptor());
      if (absl::Status status = ReadField(entry, *field, message); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status ReadField(const YamlEntry& entry, const FieldDescriptor& field, Message& message) const {
    if (field.is_map()) return ReadMap(entry, field, message);
    if (field.is_repeated()) return ReadRepeated(entry, field, message);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return Read(entry.value, *message.GetReflection()->MutableMessage(&message, &field));
    }
    return ReadScalar(entry.value, field, message);
  }

  absl::Status ReadMap(const YamlEntry& entry, const FieldDescriptor& field, Message& message) const {
    if (entry.value.kind == YamlNode::Kind::kNull) return absl::OkStatus();
    if (entry.value.kind != YamlNode::Kind::kMap) return Wrong(entry.value, "needs names with values below them");
    for (const YamlEntry& item : entry.value.entries) {
      Message& pair = *message.GetReflection()->AddMessage(&message, &field);
      YamlNode key{YamlNode::Kind::kScalar, item.line, item.column, item.key, false, {}, {}};
      if (absl::Status status = ReadScalar(key, *field.message_type()->map_key(), pair); !status.ok()) return status;
      if (absl::Status status = ReadField(item, *field.message_type()->map_value(), pair); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status ReadRepeated(const YamlEntry& entry, const FieldDescriptor& field, Message& message) const {
    if (entry.value.kind == YamlNode::Kind::kNull) return absl::OkStatus();
    if (entry.value.kind != YamlNode::Kind::kSequence) return Wrong(entry.value, "needs a list of values");
    for (const YamlNode& item : entry.value.items) {
      const bool is_message = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
      absl::Status status = is_message ? Read(item, *message.GetReflection()->AddMessage(&message, &field))
                                       : ReadScalar(item, field, message);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status ReadScalar(const YamlNode& node, const FieldDescriptor& field, Message& message) const {
    if (node.kind == YamlNode::Kind::kNull) return Wrong(node, "has no value; give one or remove the key");
    if (node.kind != YamlNode::Kind::kScalar) return Wrong(node, "needs a single value");
    const Reflection& reflection = *message.GetReflection();
    const auto store = [&](auto set, auto add, auto value) {
      if (field.is_repeated()) {
        (reflection.*add)(&message, &field, std::move(value));
      } else {
        (reflection.*set)(&message, &field, std::move(value));
      }
      return absl::OkStatus();
    };
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        if (node.text.empty()) return Wrong(node, "is empty; give a value or remove the key");
        return store(&Reflection::SetString, &Reflection::AddString, node.text);
      case FieldDescriptor::CPPTYPE_BOOL:
        if (node.quoted || (node.text != "true" && node.text != "false")) return Wrong(node, "must be true or false");
        return store(&Reflection::SetBool, &Reflection::AddBool, node.text == "true");
      case FieldDescriptor::CPPTYPE_INT32:
        return StoreNumber<std::int32_t>(node, field, store, &Reflection::SetInt32, &Reflection::AddInt32);
      case FieldDescriptor::CPPTYPE_INT64:
        return StoreNumber<std::int64_t>(node, field, store, &Reflection::SetInt64, &Reflection::AddInt64);
      case FieldDescriptor::CPPTYPE_DOUBLE: {
        double value = 0;
        if (node.quoted || !absl::SimpleAtod(node.text, &value) || !std::isfinite(value)) {
          return Wrong(node, "must be a number");
        }
        return store(&Reflection::SetDouble, &Reflection::AddDouble, value);
      }
      case FieldDescriptor::CPPTYPE_ENUM: {
        absl::StatusOr<int> value = EnumValue(node, *field.enum_type());
        if (!value.ok()) return value.status();
        return store(&Reflection::SetEnumValue, &Reflection::AddEnumValue, *value);
      }
      default:
        return Wrong(node, "has a type that a configuration cannot hold");
    }
  }

  template <typename Number, typename Store, typename Set, typename Add>
  absl::Status StoreNumber(const YamlNode& node, const FieldDescriptor& field, const Store& store, Set set,
                           Add add) const {
    Number value = 0;
    if (node.quoted || !absl::SimpleAtoi(node.text, &value)) {
      return Wrong(node, absl::StrCat("must be a whole number of at most ", 8 * sizeof(Number), " bits"));
    }
    // Without presence 0 is the default, which is not what who writes 0 means.
    if (value == 0 && !field.has_presence() && !field.is_repeated()) {
      return Wrong(node, "must not be 0; remove the key for the default");
    }
    return store(set, add, value);
  }

  absl::StatusOr<int> EnumValue(const YamlNode& node, const EnumDescriptor& type) const {
    // The values share a prefix, the first is PREFIX_UNSPECIFIED.
    absl::string_view prefix = type.value(0)->name();
    prefix.remove_suffix(absl::string_view("UNSPECIFIED").size());
    std::vector<std::string> names;
    for (int i = 1; i < type.value_count(); ++i) {
      names.push_back(absl::AsciiStrToLower(absl::string_view(type.value(i)->name()).substr(prefix.size())));
      if (names.back() == node.text) return type.value(i)->number();
    }
    return Wrong(node, absl::StrCat("must be one of: ", absl::StrJoin(names, ", ")));
  }

  absl::Status ReadDuration(const YamlNode& node, Message& message) const {
    if (node.kind != YamlNode::Kind::kScalar) return Wrong(node, "must be a duration such as 30s or 250ms");
    absl::StatusOr<Duration> duration = ParseDuration(node.text);
    if (!duration.ok()) return Wrong(node, duration.status().message());
    message.CopyFrom(*duration);
    return absl::OkStatus();
  }

  absl::Status UnknownKey(const YamlEntry& entry, const Descriptor& type) const {
    std::vector<std::string> known;
    for (int i = 0; i < type.field_count(); ++i) known.push_back(type.field(i)->name());
    const std::string nearest = Nearest(entry.key, known);
    return YamlError(file_, entry.line, entry.column,
                     absl::StrCat("unknown key '", entry.key, "'. ",
                                  nearest.empty() ? absl::StrCat("Known here: ", absl::StrJoin(known, ", "), ".")
                                                  : absl::StrCat("Did you mean '", nearest, "'?")));
  }

  absl::Status Wrong(const YamlNode& node, absl::string_view message) const {
    const std::string value = node.kind == YamlNode::Kind::kScalar ? absl::StrCat("'", node.text, "' ") : "this ";
    return YamlError(file_, node.line, node.column, absl::StrCat(value, message));
  }

  absl::string_view file_;
};

}  // namespace

absl::Status ReadMessage(const YamlNode& node, absl::string_view file, Message& message) {
  return Reader(file).Read(node, message);
}

absl::StatusOr<Duration> ParseDuration(absl::string_view text) {
  absl::Duration parsed;
  // Abseil's notation also has signs, "inf" and a bare 0.
  const bool plain = !text.empty() && absl::ascii_isdigit(text.front()) && absl::ascii_isalpha(text.back());
  if (!plain || !absl::ParseDuration(text, &parsed)) {
    return absl::InvalidArgumentError("must be a duration such as 30s, 250ms or 1m30s");
  }
  if (parsed > absl::Hours(24)) return absl::InvalidArgumentError("must be at most 24h");
  Duration duration;
  duration.set_seconds(absl::IDivDuration(parsed, absl::Seconds(1), &parsed));
  duration.set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(parsed)));
  return duration;
}

}  // namespace dspex
