#pragma once

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/json/json.h"

namespace dspex {

/// Appends a value in a notation of the form {key: value, ...} and [element, ...]. A `Style` has the text `kComma`
/// between parts, `kColon` behind keys, and writes strings, keys among them, by String(out, text) and all else that has
/// no parts by Scalar(out, value). Recurses: the value must be no deeper than ParseJson lets in.
template <typename Style>
void WriteValue(std::string& out, const Json& value) {
  const auto append = [&out](absl::string_view text) { out.append(text.data(), text.size()); };
  if (value.is_object()) {
    absl::string_view separator = "{";
    for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
      append(separator);
      Style::String(out, key);
      append(Style::kColon);
      WriteValue<Style>(out, member);
      separator = Style::kComma;
    }
    out += value.empty() ? "{}" : "}";
  } else if (value.is_array()) {
    absl::string_view separator = "[";
    for (const Json& element : value.get_ref<const Json::array_t&>()) {
      append(separator);
      WriteValue<Style>(out, element);
      separator = Style::kComma;
    }
    out += value.empty() ? "[]" : "]";
  } else if (value.is_string()) {
    Style::String(out, value.get_ref<const std::string&>());
  } else {
    Style::Scalar(out, value);
  }
}

/// Appends null, a boolean or a number as JSON; finite floats by `append_float(out, number)`, others as null.
template <typename AppendFloat>
void WriteJsonScalar(std::string& out, const Json& value, AppendFloat append_float) {
  switch (value.type()) {
    case Json::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      return;
    case Json::value_t::number_integer:
      absl::StrAppend(&out, value.get<Json::number_integer_t>());
      return;
    case Json::value_t::number_unsigned:
      absl::StrAppend(&out, value.get<Json::number_unsigned_t>());
      return;
    case Json::value_t::number_float:
      if (std::isfinite(value.get<double>())) {
        append_float(out, value.get<double>());
        return;
      }
      [[fallthrough]];
    default:
      out += "null";
      return;
  }
}

}  // namespace dspex
