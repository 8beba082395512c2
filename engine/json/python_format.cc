#include "engine/json/python_format.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/json/escape.h"
#include "engine/json/write_value.h"

namespace dspex {

namespace {

struct PythonJson {
  static constexpr absl::string_view kComma = ", ";
  static constexpr absl::string_view kColon = ": ";
  static void String(std::string& out, absl::string_view text) { AppendJsonString(out, text); }
  static void Scalar(std::string& out, const Json& value) { WriteJsonScalar(out, value, AppendPythonFloat); }
};

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

void AppendPythonJson(std::string& out, const Json& value) { WriteValue<PythonJson>(out, value); }

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
