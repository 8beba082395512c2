// DSPy's tools, calls of them and their results.

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/json/tolerant_json.h"
#include "engine/signature/coercion.h"
#include "engine/signature/object_parts.h"

namespace dspex {

namespace {

// Whether Python's bool() of the value is True.
bool IsTrue(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return false;
    case Json::value_t::boolean:
      return value.get<bool>();
    case Json::value_t::string:
      return !value.get_ref<const std::string&>().empty();
    case Json::value_t::array:
    case Json::value_t::object:
      return !value.empty();
    default:
      return !value.is_number() || value.get<double>() != 0;
  }
}

bool IsToolCall(const Json& value) {
  return value.is_object() && (value.contains("function") ||
                               (value.contains("name") && (value.contains("args") || value.contains("arguments"))));
}

Json TakeOr(Json& object, const char* key, Json otherwise) {
  Json* found = FindMember(object, key);
  return found == nullptr ? std::move(otherwise) : std::move(*found);
}

// From the shapes in which providers write a call; false if it has no name or its arguments are no object.
bool ReadToolCall(Json& call) {
  Json arguments;
  Json name;
  if (Json* given = FindMember(call, "function")) {
    Json function = IsTrue(*given) ? std::move(*given) : Json::object();
    if (!function.is_object()) return false;
    arguments = TakeOr(function, "arguments", Json::object());
    name = TakeOr(function, "name", nullptr);
    if (!IsTrue(name)) name = TakeOr(call, "name", nullptr);
  } else {
    Json* args = FindMember(call, "args");
    arguments = args != nullptr ? std::move(*args) : TakeOr(call, "arguments", Json::object());
    name = TakeOr(call, "name", nullptr);
  }
  Json id = TakeOr(call, "id", nullptr);
  if (!IsTrue(id)) id = TakeOr(call, "call_id", nullptr);
  if (arguments.is_string()) {
    absl::StatusOr<Json> read = ParseTolerantJson(arguments.get_ref<const std::string&>());
    if (!read.ok()) return false;
    arguments = *std::move(read);
    if (!arguments.is_object()) return false;
  } else if (!arguments.is_object()) {
    arguments = Json::object();
  }
  if (!name.is_string() || (!id.is_string() && !id.is_null())) return false;
  call = Json{{"name", std::move(name)}, {"args", std::move(arguments)}};
  return true;
}

std::string Segment(const char* key, std::size_t index) { return absl::StrCat(key, "[", index, "]"); }

}  // namespace

// DSPy's has a function, which no value of JSON is: a completion never gives one. A user describes it.
bool Coercion::RunTool(const Type& type, Json& value) {
  if (!options_.given) {
    static constexpr const char* kKnown[] = {"func", "name", "desc", "args", "arg_types", "arg_desc"};
    const bool fits =
        !value.is_object() ||
        (value.contains("func") && std::all_of(value.items().begin(), value.items().end(), [](const auto& item) {
           return std::any_of(std::begin(kKnown), std::end(kKnown),
                              [&item](const char* known) { return item.key() == known; });
         }));
    return fits ? Refuse(type) : Abort(type);
  }
  Json described = value;
  if (!ReadObject({{"name", Part::kText}, {"desc", Part::kTextOrNone, "null"}, {"args", Part::kAny, "{}"}},
                  described) ||
      !described["args"].is_object()) {
    return Refuse(type);
  }
  value = std::move(described);
  return AcceptAs(type, Exactness::kStrict);
}

bool Coercion::RunToolCalls(const Type& type, Json& value) {
  Json calls;
  Json results;
  std::size_t given = 1;
  if (value.is_array()) {
    if (!std::all_of(value.begin(), value.end(), IsToolCall)) return Refuse(type);
    calls = std::move(value);
  } else if (value.is_object() && value.contains("tool_calls")) {
    calls = std::move(value["tool_calls"]);
    if (!calls.is_array()) return Refuse(type);
    if (Json* with = FindMember(value, "tool_call_results")) {
      results = std::move(*with);
      ++given;
    }
  } else if (IsToolCall(value)) {
    calls = Json::array({std::move(value)});
  } else {
    return Refuse(type);
  }
  std::size_t index = 0;
  for (Json& call : calls.get_ref<Json::array_t&>()) {
    if (!call.is_object() || !ReadToolCall(call)) {
      Refuse(type);
      return RefuseBelow(Segment(".tool_calls", index));
    }
    ++index;
  }
  value = Json{{"tool_calls", std::move(calls)}};
  if (!results.is_null()) value["tool_call_results"] = std::move(results);
  CountFields(given);
  return AcceptAs(type, Exactness::kStrict);
}

bool Coercion::RunToolCallResults(const Type& type, Json& value) {
  Json results;
  if (value.is_array()) {
    results = std::move(value);
  } else if (value.is_object() && value.contains("tool_call_results")) {
    results = std::move(value["tool_call_results"]);
    if (!results.is_array()) return Refuse(type);
  } else if (value.is_object() && value.contains("name") && value.contains("value")) {
    results = Json::array({std::move(value)});
  } else {
    return Refuse(type);
  }
  std::size_t index = 0;
  for (Json& result : results.get_ref<Json::array_t&>()) {
    const bool exact = !result.is_object() || !result.contains("is_error") || result["is_error"].is_boolean();
    const std::optional<std::size_t> given = ReadObject({{"call_id", Part::kTextOrNone, "null"},
                                                         {"name", Part::kText},
                                                         {"value", Part::kAny},
                                                         {"is_error", Part::kBool, "false"}},
                                                        result);
    if (!given.has_value()) {
      Refuse(type);
      return RefuseBelow(Segment(".tool_call_results", index));
    }
    if (!exact) Floor(Exactness::kLax);
    CountFields(*given);
    ++index;
  }
  value = Json{{"tool_call_results", std::move(results)}};
  CountFields(1);
  return AcceptAs(type, Exactness::kStrict);
}

}  // namespace dspex
