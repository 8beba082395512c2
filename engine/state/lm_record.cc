#include "engine/state/lm_record.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/json.h"
#include "engine/json/utf8.h"
#include "engine/state/json_text.h"
#include "engine/state/state_error.h"

namespace dspex {

namespace {

using google::protobuf::FieldDescriptor;

constexpr absl::string_view kClassKey = "_dspy_lm_class";
constexpr absl::string_view kLmClass = "dspy.clients.lm.LM";
constexpr absl::string_view kTypeSafeClass = "dspy.clients.typesafe.TypeSafe";
constexpr absl::string_view kOpenAi = "openai/";

// Keys in a record whose option has another name.
constexpr std::array<std::pair<absl::string_view, absl::string_view>, 2> kAliases = {
    {{"max_completion_tokens", "max_tokens"}, {"num_generations", "n"}}};

// What a record says where it says nothing; the class and the model are read apart.
constexpr std::array<std::pair<absl::string_view, absl::string_view>, 6> kDefaults = {{{"model_type", "\"chat\""},
                                                                                       {"cache", "true"},
                                                                                       {"num_retries", "3"},
                                                                                       {"engine", "\"auto\""},
                                                                                       {"use_developer_role", "false"},
                                                                                       {"launch_kwargs", "{}"}}};

const FieldDescriptor* FindOption(absl::string_view key) {
  for (const auto& [alias, name] : kAliases) {
    if (key == alias) key = name;
  }
  return v1::LmOptions::descriptor()->FindFieldByName(std::string(key));
}

bool IsUnset(const v1::LmOptions& options, const FieldDescriptor* option) {
  const auto& reflection = *options.GetReflection();
  return option->is_repeated() ? reflection.FieldSize(options, option) == 0 : !reflection.HasField(options, option);
}

// The option's value as compact JSON; "null" if it is not set.
std::string OptionText(const v1::LmOptions& options, const FieldDescriptor* option) {
  if (IsUnset(options, option)) return "null";
  const auto& reflection = *options.GetReflection();
  Json value;
  if (option->is_repeated()) {
    for (int i = 0; i < reflection.FieldSize(options, option); ++i) {
      value.push_back(reflection.GetRepeatedString(options, option, i));
    }
  } else if (option->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
    value = reflection.GetDouble(options, option);
  } else if (option->cpp_type() == FieldDescriptor::CPPTYPE_INT32) {
    value = reflection.GetInt32(options, option);
  } else if (option->cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
    value = reflection.GetInt64(options, option);
  } else if (option->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
    value = reflection.GetBool(options, option);
  } else {
    value = reflection.GetString(options, option);
  }
  std::string text;
  AppendOrjson(text, value);
  return text;
}

bool SetTexts(const Json& value, const FieldDescriptor* option, v1::LmOptions& options) {
  const auto& reflection = *options.GetReflection();
  if (!option->is_repeated()) {
    if (!value.is_string()) return false;
    reflection.SetString(&options, option, value.get<std::string>());
    return true;
  }
  const Json list = value.is_string() ? Json::array({value}) : value;
  if (!list.is_array() || !std::all_of(list.begin(), list.end(), [](const Json& text) { return text.is_string(); })) {
    return false;
  }
  for (const Json& text : list) reflection.AddString(&options, option, text.get<std::string>());
  return true;
}

// False if the value is of a kind that the option does not take.
bool SetOption(const Json& value, const FieldDescriptor* option, v1::LmOptions& options) {
  const auto& reflection = *options.GetReflection();
  if (option->cpp_type() == FieldDescriptor::CPPTYPE_STRING) return SetTexts(value, option, options);
  if (option->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
    if (!value.is_number()) return false;
    reflection.SetDouble(&options, option, value.get<double>());
    return true;
  }
  if (option->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
    if (!value.is_boolean()) return false;
    reflection.SetBool(&options, option, value.get<bool>());
    return true;
  }
  if (!value.is_number_integer()) return false;
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > kMax) return false;
  const auto number = value.get<std::int64_t>();
  if (option->cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
    reflection.SetInt64(&options, option, number);
    return true;
  }
  if (number < std::numeric_limits<std::int32_t>::min() || number > std::numeric_limits<std::int32_t>::max()) {
    return false;
  }
  reflection.SetInt32(&options, option, static_cast<std::int32_t>(number));
  return true;
}

bool SaysNothing(const JsonMember& member) {
  if (member.text == "null" || member.text == "{}" || member.key == kClassKey || member.key == "model") return true;
  return std::any_of(kDefaults.begin(), kDefaults.end(), [&member](const auto& standard) {
    return member.key == standard.first && member.text == standard.second;
  });
}

std::string QualifiedName(const std::string& model) {
  return absl::StrContains(model, '/') ? model : absl::StrCat(kOpenAi, model);
}

// Beyond 64 bits Python reads a float.
bool IsCount(absl::string_view text) {
  const absl::StatusOr<Json> value = ParseJson(text);
  return value.ok() && value->is_number_integer() && (value->is_number_unsigned() || value->get<std::int64_t>() >= 0);
}

absl::Status CheckEngine(const std::vector<JsonMember>& members, absl::string_view path) {
  for (const absl::string_view key : {"engine", "async_engine"}) {
    const JsonMember* engine = FindMember(members, key);
    if (engine == nullptr || (key == "async_engine" && engine->text == "null")) continue;
    if (!IsJsonString(engine->text) || key == "async_engine") {
      return InvalidState(absl::StrCat(path, ".", key), "is an engine of one's own, which Python would import",
                          "Save the program without its language model");
    }
    if (engine->text != "\"auto\"" && engine->text != "\"lm15\"" && engine->text != "\"litellm\"") {
      return InvalidState(absl::StrCat(path, ".", key), "is no engine of DSPy's", "Use \"auto\"");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckLmRecord(absl::string_view record, absl::string_view path) {
  if (record == "null") return absl::OkStatus();
  if (!IsJsonObject(record)) return InvalidState(path, "is neither an object nor null", "Correct the file");
  const std::vector<JsonMember> members = JsonMembers(record);
  if (members.empty()) return absl::OkStatus();  // DSPy reads it as none.
  const JsonMember* lm_class = FindMember(members, kClassKey);
  if (lm_class != nullptr && lm_class->text != "null") {
    const std::string name = IsJsonString(lm_class->text) ? JsonStringValue(lm_class->text) : "(no name)";
    if (name == kTypeSafeClass) return absl::OkStatus();
    if (name != kLmClass) {
      return InvalidState(absl::StrCat(path, ".", kClassKey),
                          absl::StrCat("names the class ", Shorten(name, 100), ", which Python would import"),
                          "Use dspy.LM, or save the program without its language model");
    }
  }
  const JsonMember* model = FindMember(members, "model");
  const std::string name = model != nullptr && IsJsonString(model->text) ? JsonStringValue(model->text) : "";
  if (name.empty() || (absl::EndsWith(name, "/") && std::count(name.begin(), name.end(), '/') == 1)) {
    return InvalidState(absl::StrCat(path, ".model"), "names no model", "Correct the file");
  }
  const JsonMember* retries = FindMember(members, "num_retries");
  if (retries != nullptr && !IsCount(retries->text)) {
    return InvalidState(absl::StrCat(path, ".num_retries"), "is no count", "Correct the file");
  }
  // DSPy reads it where the record names its class, and takes the constructor's word for the rest.
  const JsonMember* prompt_cache = FindMember(members, "prompt_cache");
  const bool has_class = lm_class != nullptr && lm_class->text != "null";
  if (prompt_cache != nullptr && prompt_cache->text != "null" && !(has_class && IsJsonObject(prompt_cache->text))) {
    return InvalidState(absl::StrCat(path, ".prompt_cache"), "is nothing that DSPy reads", "Correct the file");
  }
  return CheckEngine(members, path);
}

absl::StatusOr<LmSettings> ReadLmRecord(absl::string_view record) {
  LmSettings settings;
  if (!IsJsonObject(record)) return settings;
  for (const JsonMember& member : JsonMembers(record)) {
    if (member.key == kClassKey && member.text == JsonStringText(kTypeSafeClass)) {
      return Error(absl::StatusCode::kUnimplemented, reason::kUnsupported,
                   "The saved state's language model is TypeSafe, which generates no text. Save the program with "
                   "dspy.LM, or without a language model.")
          .With("feature", kTypeSafeClass);
    }
    if (member.key == "model") settings.lm = QualifiedName(JsonStringValue(member.text));
    if (SaysNothing(member)) continue;
    const FieldDescriptor* option = FindOption(member.key);
    const absl::StatusOr<Json> value = ParseJson(member.text);
    const bool is_placed = option != nullptr && value.ok() && IsUnset(settings.options, option) &&
                           SetOption(*value, option, settings.options);
    if (!is_placed) settings.unplaced.push_back(member.key);
  }
  return settings;
}

std::vector<std::string> DropEndpoints(std::string& record, bool keep_endpoints) {
  std::vector<std::string> dropped;
  if (!IsJsonObject(record)) return dropped;
  std::vector<JsonMember> kept;
  for (JsonMember& member : JsonMembers(record)) {
    const bool is_endpoint = member.key == "api_base" || member.key == "base_url" || member.key == "model_list";
    if (member.key == "api_key" || (is_endpoint && !keep_endpoints)) {
      dropped.push_back(std::move(member.key));
    } else {
      kept.push_back(std::move(member));
    }
  }
  if (!dropped.empty()) record = JsonObjectText(kept);
  return dropped;
}

std::string UpdatedLmRecord(absl::string_view record, const LmSettings& was, const std::string& lm,
                            const v1::LmOptions& options) {
  if (was.lm.empty()) return std::string(record);
  if (lm.empty()) return "null";
  std::vector<JsonMember> members = JsonMembers(record);
  bool is_changed = false;
  for (JsonMember& member : members) {
    if (member.key == "model" && lm != was.lm) {
      member.text = JsonStringText(lm);
      is_changed = true;
    }
    const FieldDescriptor* option = FindOption(member.key);
    if (option == nullptr || IsUnset(was.options, option)) continue;
    std::string text = OptionText(options, option);
    if (text == OptionText(was.options, option)) continue;
    member.text = std::move(text);
    is_changed = true;
  }
  return is_changed ? JsonObjectText(members) : std::string(record);
}

std::string NewLmRecord(const std::string& lm, const v1::LmOptions& options) {
  std::vector<JsonMember> members = {{std::string(kClassKey), JsonStringText(kLmClass)},
                                     {"model", JsonStringText(lm)},
                                     {"model_type", "\"chat\""},
                                     {"cache", "true"},
                                     {"num_retries", "3"}};
  for (const char* name : {"temperature", "max_tokens"})
    members.push_back({name, OptionText(options, FindOption(name))});
  for (int i = 0; i < v1::LmOptions::descriptor()->field_count(); ++i) {
    const FieldDescriptor* option = v1::LmOptions::descriptor()->field(i);
    if (IsUnset(options, option) || FindMember(members, option->name()) != nullptr) continue;
    members.push_back({option->name(), OptionText(options, option)});
  }
  members.push_back({"finetuning_model", "null"});
  members.push_back({"launch_kwargs", "{}"});
  members.push_back({"train_kwargs", "{}"});
  return JsonObjectText(members);
}

void ClearEqualOptions(v1::LmOptions& options, const v1::LmOptions& other) {
  for (int i = 0; i < v1::LmOptions::descriptor()->field_count(); ++i) {
    const FieldDescriptor* option = v1::LmOptions::descriptor()->field(i);
    if (OptionText(options, option) == OptionText(other, option)) options.GetReflection()->ClearField(&options, option);
  }
}

std::vector<std::string> FillOptions(v1::LmOptions& options, const v1::LmOptions& other) {
  std::vector<std::string> overruled;
  v1::LmOptions filled = other;
  for (int i = 0; i < v1::LmOptions::descriptor()->field_count(); ++i) {
    const FieldDescriptor* option = v1::LmOptions::descriptor()->field(i);
    if (IsUnset(options, option)) continue;
    if (!IsUnset(other, option) && OptionText(options, option) != OptionText(other, option)) {
      overruled.push_back(option->name());
    }
    filled.GetReflection()->ClearField(&filled, option);
  }
  options.MergeFrom(filled);
  return overruled;
}

}  // namespace dspex
