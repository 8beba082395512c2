#include "engine/state/json_text.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/json/escape.h"
#include "engine/json/write_value.h"

namespace dspex {

namespace {

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// The position behind the string that begins at `position`.
std::size_t StringEnd(absl::string_view text, std::size_t position) {
  for (++position; position < text.size(); ++position) {
    if (text[position] == '\\') {
      ++position;
    } else if (text[position] == '"') {
      return position + 1;
    }
  }
  return text.size();
}

// The position behind the value that begins at `position`, in a compact text.
std::size_t ValueEnd(absl::string_view text, std::size_t position) {
  std::size_t depth = 0;
  while (position < text.size()) {
    const char c = text[position];
    if (c == '"') {
      position = StringEnd(text, position);
      if (depth == 0) return position;
      continue;
    }
    if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return position;  // Behind a number or word.
      if (--depth == 0) return position + 1;
    } else if (c == ',' && depth == 0) {
      return position;
    }
    ++position;
  }
  return position;
}

// Python's choice of digits, orjson's layout: fixed from 1e-5 to below 1e16, exponents signed and without zeros.
void AppendOrjsonFloat(std::string& out, double value) {
  const bool fixed = value == 0 || (std::abs(value) >= 1e-5 && std::abs(value) < 1e16);
  char buffer[40];
  const auto format = fixed ? std::chars_format::fixed : std::chars_format::scientific;
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value, format);
  absl::string_view text(buffer, static_cast<std::size_t>(result.ptr - buffer));
  if (fixed) {
    absl::StrAppend(&out, text, text.find('.') == absl::string_view::npos ? ".0" : "");
    return;
  }
  const std::size_t exponent = text.find('e') + 2;
  absl::StrAppend(&out, text.substr(0, exponent));
  text.remove_prefix(exponent);
  while (text.size() > 1 && text.front() == '0') text.remove_prefix(1);
  absl::StrAppend(&out, text);
}

struct Orjson {
  static constexpr absl::string_view kComma = ",";
  static constexpr absl::string_view kColon = ":";
  static void String(std::string& out, absl::string_view text) { AppendJsonString(out, text); }
  static void Scalar(std::string& out, const Json& value) { WriteJsonScalar(out, value, AppendOrjsonFloat); }
};

void AppendLine(std::string& out, std::size_t depth) {
  out.push_back('\n');
  out.append(2 * depth, ' ');
}

}  // namespace

absl::StatusOr<std::string> CompactJson(absl::string_view text, const JsonLimits& limits) {
  const absl::StatusOr<Json> json = ParseJson(text, limits);
  if (!json.ok()) return json.status();
  std::string compact;
  compact.reserve(text.size());
  std::size_t position = 0;
  while (position < text.size()) {
    if (text[position] == '"') {
      const std::size_t end = StringEnd(text, position);
      compact.append(text.data() + position, end - position);
      position = end;
      continue;
    }
    if (!IsSpace(text[position])) compact.push_back(text[position]);
    ++position;
  }
  return compact;
}

std::vector<JsonMember> JsonMembers(absl::string_view object) {
  std::vector<JsonMember> members;
  absl::flat_hash_map<std::string, std::size_t> places;
  std::size_t position = 1;
  while (position < object.size() && object[position] != '}') {
    const std::size_t key_end = StringEnd(object, position);
    std::string key = JsonStringValue(object.substr(position, key_end - position));
    const std::size_t end = ValueEnd(object, key_end + 1);
    std::string text(object.substr(key_end + 1, end - key_end - 1));
    const auto [place, is_new] = places.emplace(key, members.size());
    if (is_new) {
      members.push_back({std::move(key), std::move(text)});
    } else {
      members[place->second].text = std::move(text);
    }
    position = end < object.size() && object[end] == ',' ? end + 1 : end;
  }
  return members;
}

std::vector<absl::string_view> JsonElements(absl::string_view array) {
  std::vector<absl::string_view> elements;
  std::size_t position = 1;
  while (position < array.size() && array[position] != ']') {
    const std::size_t end = ValueEnd(array, position);
    elements.push_back(array.substr(position, end - position));
    position = end < array.size() && array[end] == ',' ? end + 1 : end;
  }
  return elements;
}

std::string JsonStringValue(absl::string_view text) {
  if (text.find('\\') == absl::string_view::npos) return std::string(text.substr(1, text.size() - 2));
  const absl::StatusOr<Json> json = ParseJson(text);
  return json.ok() && json->is_string() ? json->get<std::string>() : std::string();
}

const JsonMember* FindMember(const std::vector<JsonMember>& members, absl::string_view key) {
  const auto found =
      std::find_if(members.begin(), members.end(), [key](const JsonMember& member) { return member.key == key; });
  return found == members.end() ? nullptr : &*found;
}

std::string JsonStringText(absl::string_view value) {
  std::string text;
  AppendJsonString(text, value);
  return text;
}

std::string JsonObjectText(const std::vector<JsonMember>& members) {
  std::string out;
  absl::string_view separator = "{";
  for (const JsonMember& member : members) {
    absl::StrAppend(&out, separator);
    AppendJsonString(out, member.key);
    absl::StrAppend(&out, ":", member.text);
    separator = ",";
  }
  out += members.empty() ? "{}" : "}";
  return out;
}

void AppendOrjson(std::string& out, const Json& value) { WriteValue<Orjson>(out, value); }

std::string IndentJson(absl::string_view compact) {
  std::string out;
  out.reserve(compact.size() + compact.size() / 2);
  std::size_t depth = 0;
  std::size_t position = 0;
  while (position < compact.size()) {
    const char c = compact[position];
    if (c == '"') {
      const std::size_t end = StringEnd(compact, position);
      out.append(compact.data() + position, end - position);
      position = end;
      continue;
    }
    ++position;
    const bool is_empty = position < compact.size() && (compact[position] == '}' || compact[position] == ']');
    if ((c == '{' || c == '[') && is_empty) {
      out.push_back(c);
      out.push_back(compact[position++]);
    } else if (c == '{' || c == '[') {
      out.push_back(c);
      AppendLine(out, ++depth);
    } else if (c == '}' || c == ']') {
      AppendLine(out, --depth);
      out.push_back(c);
    } else if (c == ',') {
      out.push_back(c);
      AppendLine(out, depth);
    } else {
      out.push_back(c);
      if (c == ':') out.push_back(' ');
    }
  }
  return out;
}

}  // namespace dspex
