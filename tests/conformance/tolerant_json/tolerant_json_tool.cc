// Reads lines, each a text written as a JSON string, and prints for each what ParseTolerantJson makes of it: {"ok":
// value} or {"error": reason}. The other half is test_tolerant_json.py.

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/error.h"
#include "engine/json/json.h"
#include "engine/json/python_format.h"
#include "engine/json/tolerant_json.h"

namespace dspex {
namespace {

// As Python's json writes a value, what is not a number included.
void Write(std::string& out, const Json& value) {
  const char* separator = "";
  if (value.is_array()) {
    out += '[';
    for (const Json& element : value) {
      out += separator;
      Write(out, element);
      separator = ", ";
    }
    out += ']';
  } else if (value.is_object()) {
    out += '{';
    for (const auto& [key, member] : value.items()) {
      out += separator;
      AppendPythonJson(out, Json(key));
      out += ": ";
      Write(out, member);
      separator = ", ";
    }
    out += '}';
  } else if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    out += std::isnan(value.get<double>()) ? "NaN" : value.get<double>() > 0 ? "Infinity" : "-Infinity";
  } else {
    AppendPythonJson(out, value);
  }
}

std::string Answer(const std::string& line) {
  const absl::StatusOr<Json> text = ParseJson(line);
  if (!text.ok() || !text->is_string()) return R"({"error": "the line is no string"})";
  const absl::StatusOr<Json> value = ParseTolerantJson(text->get_ref<const std::string&>());
  std::string answer = value.ok() ? R"({"ok": )" : R"({"error": )";
  Write(answer, value.ok() ? *value : Json(ErrorReason(value.status())));
  return answer + '}';
}

}  // namespace
}  // namespace dspex

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  // Each answer at once: what asks may wait for it.
  while (std::getline(std::cin, line)) std::cout << dspex::Answer(line) << std::endl;
}
