#include "engine/json/python_format.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/json/escape.h"

namespace dspex {

namespace {

void AppendInteger(std::string& out, const Json& value) {
  if (value.is_number_unsigned()) {
    absl::StrAppend(&out, value.get_ref<const Json::number_unsigned_t&>());
  } else {
    absl::StrAppend(&out, value.get_ref<const Json::number_integer_t&>());
  }
}

}  // namespace

void AppendPythonFloat(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "nan";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-inf" : "inf";
    return;
  }
  // "-d.ddde-xxx": the shortest digits, to be laid out as Python does.
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  absl::string_view text(buffer, static_cast<std::size_t>(result.ptr - buffer));
  if (text.front() == '-') {
    out.push_back('-');
    text.remove_prefix(1);
  }
  const std::size_t e = text.find('e');
  absl::string_view exponent_text = text.substr(e + 1);
  if (exponent_text.front() == '+') exponent_text.remove_prefix(1);
  int exponent = 0;
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  const char first = text[0];
  const absl::string_view rest = e > 1 ? text.substr(2, e - 2) : absl::string_view();

  if (exponent < -4 || exponent >= 16) {
    out.push_back(first);
    if (!rest.empty()) absl::StrAppend(&out, ".", rest);
    absl::StrAppend(&out, exponent < 0 ? "e-" : "e+", absl::Dec(std::abs(exponent), absl::kZeroPad2));
  } else if (exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
    absl::StrAppend(&out, absl::string_view(&first, 1), rest);
  } else {
    const auto whole = static_cast<std::size_t>(exponent);
    out.push_back(first);
    if (rest.size() <= whole) {
      absl::StrAppend(&out, rest);
      out.append(whole - rest.size(), '0');
      out += ".0";
    } else {
      absl::StrAppend(&out, rest.substr(0, whole), ".", rest.substr(whole));
    }
  }
}

void AppendPythonJson(std::string& out, const Json& value) {
  switch (value.type()) {
    case Json::value_t::object: {
      absl::string_view separator = "{";
      for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
        absl::StrAppend(&out, separator);
        AppendJsonString(out, key);
        out += ": ";
        AppendPythonJson(out, member);
        separator = ", ";
      }
      out += value.empty() ? "{}" : "}";
      return;
    }
    case Json::value_t::array: {
      absl::string_view separator = "[";
      for (const Json& element : value.get_ref<const Json::array_t&>()) {
        absl::StrAppend(&out, separator);
        AppendPythonJson(out, element);
        separator = ", ";
      }
      out += value.empty() ? "[]" : "]";
      return;
    }
    case Json::value_t::string:
      AppendJsonString(out, value.get_ref<const std::string&>());
      return;
    case Json::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      return;
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      AppendInteger(out, value);
      return;
    case Json::value_t::number_float: {
      const double number = value.get<double>();
      if (std::isfinite(number)) {
        AppendPythonFloat(out, number);
      } else {
        out += "null";
      }
      return;
    }
    case Json::value_t::null:
    case Json::value_t::binary:
    case Json::value_t::discarded:
      out += "null";
      return;
  }
}

void AppendPythonStr(std::string& out, const Json& value) {
  switch (value.type()) {
    case Json::value_t::string:
      out += value.get_ref<const std::string&>();
      return;
    case Json::value_t::boolean:
      out += value.get<bool>() ? "True" : "False";
      return;
    case Json::value_t::number_float:
      AppendPythonFloat(out, value.get<double>());
      return;
    case Json::value_t::null:
      out += "None";
      return;
    default:
      AppendPythonJson(out, value);
      return;
  }
}

std::string PythonJsonDumps(const Json& value) {
  std::string out;
  AppendPythonJson(out, value);
  return out;
}

std::string PythonStr(const Json& value) {
  std::string out;
  AppendPythonStr(out, value);
  return out;
}

}  // namespace dspex
