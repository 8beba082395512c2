#include "engine/signature/schema_constraints.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>

#include "engine/signature/schema_pattern.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

absl::Status ReadNumber(const Json* value, absl::string_view keyword, const SchemaPath& path,
                        std::optional<double>& number) {
  if (value == nullptr) return absl::OkStatus();
  if (!value->is_number()) return SchemaError(path.Below(keyword), "a number is expected", "Give one.");
  number = value->get<double>();
  return absl::OkStatus();
}

absl::Status ReadCount(const Json* value, absl::string_view keyword, const SchemaPath& path,
                       std::optional<std::size_t>& count) {
  if (value == nullptr) return absl::OkStatus();
  if (!value->is_number_integer() || *value < 0) {
    return SchemaError(path.Below(keyword), "a whole number that is not negative is expected", "Give one.");
  }
  count = value->get<std::size_t>();
  return absl::OkStatus();
}

absl::Status ReadNumbers(const SchemaKeywords& keywords, const SchemaPath& path, Constraints& constraints) {
  absl::Status status = ReadNumber(keywords.minimum, "minimum", path, constraints.minimum);
  if (status.ok()) status = ReadNumber(keywords.maximum, "maximum", path, constraints.maximum);
  if (status.ok()) {
    status = ReadNumber(keywords.exclusive_minimum, "exclusiveMinimum", path, constraints.exclusive_minimum);
  }
  if (status.ok()) {
    status = ReadNumber(keywords.exclusive_maximum, "exclusiveMaximum", path, constraints.exclusive_maximum);
  }
  if (status.ok()) status = ReadNumber(keywords.multiple_of, "multipleOf", path, constraints.multiple_of);
  if (status.ok() && constraints.multiple_of.has_value() && !(*constraints.multiple_of > 0)) {
    return SchemaError(path.Below("multipleOf"), "a positive number is expected", "Give one.");
  }
  return status;
}

absl::Status ReadPattern(const Json& pattern, const SchemaPath& path, Constraints& constraints) {
  if (!pattern.is_string()) {
    return SchemaError(path.Below("pattern"), "a string is expected", "Write a regular expression.");
  }
  constraints.pattern = pattern.get_ref<const std::string&>();
  absl::StatusOr<std::shared_ptr<const re2::RE2>> regex = CompileSchemaPattern(constraints.pattern);
  if (!regex.ok()) {
    return SchemaError(path.Below("pattern"), absl::StrCat("the pattern is not taken: ", regex.status().message()),
                       "Use RE2's syntax, without look-around and references back.");
  }
  constraints.regex = *std::move(regex);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Constraints>> ReadSchemaConstraints(Type::Kind kind,
                                                                         const SchemaKeywords& keywords,
                                                                         const SchemaPath& path) {
  Constraints constraints;
  absl::Status status;
  switch (kind) {
    case Kind::kInt:
    case Kind::kFloat:
    case Kind::kDecimal:
      status = ReadNumbers(keywords, path, constraints);
      break;
    case Kind::kStr:
    case Kind::kBytes:
      status = ReadCount(keywords.min_length, "minLength", path, constraints.min_length);
      if (status.ok()) status = ReadCount(keywords.max_length, "maxLength", path, constraints.max_length);
      if (status.ok() && kind == Kind::kStr && keywords.pattern != nullptr) {
        status = ReadPattern(*keywords.pattern, path, constraints);
      }
      break;
    case Kind::kList:
    case Kind::kSet:
      status = ReadCount(keywords.min_items, "minItems", path, constraints.min_length);
      if (status.ok()) status = ReadCount(keywords.max_items, "maxItems", path, constraints.max_length);
      break;
    case Kind::kDict:
      status = ReadCount(keywords.min_properties, "minProperties", path, constraints.min_length);
      if (status.ok()) status = ReadCount(keywords.max_properties, "maxProperties", path, constraints.max_length);
      break;
    default:
      break;
  }
  if (!status.ok()) return status;
  if (constraints == Constraints()) return nullptr;
  return std::make_shared<const Constraints>(std::move(constraints));
}

}  // namespace dspex
