// DSPy's images, sounds and files. What would have to be read from a disk or from the network is refused.

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/signature/coercion.h"
#include "engine/signature/media_source.h"
#include "engine/signature/text_trim.h"

namespace dspex {

namespace {

const Json* Find(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

bool HasOnly(const Json& object, std::initializer_list<const char*> keys) {
  std::size_t known = 0;
  for (const char* key : keys) known += object.contains(key) ? 1 : 0;
  return known == object.size();
}

Json Trimmed(const Json& text) {
  return text.is_string() ? Json(std::string(StripWhiteSpace(text.get_ref<const std::string&>()))) : text;
}

bool IsImageText(const Json& value) {
  if (!value.is_string()) return false;
  const std::string& text = value.get_ref<const std::string&>();
  return absl::StartsWith(text, "data:") || IsImageUrl(text);
}

// "data:audio/wav;base64,UklGR..." -> its parts.
bool ReadAudio(absl::string_view text, Json& value) {
  const std::size_t comma = text.find(',');
  if (comma == absl::string_view::npos || !absl::ConsumePrefix(&text, "data:audio/")) return false;
  absl::string_view format = text.substr(0, text.find(','));
  format = format.substr(0, format.find(';'));
  if (format.empty()) return false;
  absl::ConsumePrefix(&format, "x-");
  value = Json{{"data", std::string(text.substr(text.find(',') + 1))}, {"audio_format", std::string(format)}};
  return true;
}

}  // namespace

bool Coercion::RunImage(const Type& type, Json& value) {
  const Json* source = &value;
  if (value.is_object()) {
    // Python's constructor raises what nobody catches.
    if (value.contains("download") || value.contains("verify")) return Abort(type);
    source = HasOnly(value, {"url"}) ? Find(value, "url") : nullptr;
    // The address may itself stand in an object.
    while (source != nullptr && source->is_object()) source = Find(*source, "url");
  } else if (!options_.given) {
    return Refuse(type);
  }
  if (source == nullptr || !IsImageText(*source)) return Refuse(type);
  Json url = Trimmed(*source);
  value = Json{{"url", std::move(url)}};
  return AcceptAs(type, Exactness::kStrict);
}

bool Coercion::RunAudio(const Type& type, Json& value) {
  if (const std::optional<std::string> bytes = ReadBinary(value, PythonSubtype::kBytes)) {
    value = Json{{"data", absl::Base64Escape(*bytes)}, {"audio_format", "wav"}};
  } else if (value.is_string()) {
    const std::string text = std::move(value.get_ref<std::string&>());
    if (!ReadAudio(text, value)) return Refuse(type);
  } else if (value.is_object()) {
    Json* data = value.contains("data") ? &value["data"] : nullptr;
    Json* format = value.contains("audio_format") ? &value["audio_format"] : nullptr;
    if (data == nullptr || format == nullptr || !data->is_string() || !format->is_string() || value.size() != 2) {
      return Refuse(type);
    }
    Json ordered{{"data", std::move(*data)}, {"audio_format", std::move(*format)}};
    value = std::move(ordered);
  } else {
    return Refuse(type);
  }
  return AcceptAs(type, Exactness::kStrict);
}

bool Coercion::RunFile(const Type& type, Json& value) {
  if (const std::optional<std::string> bytes = ReadBinary(value, PythonSubtype::kBytes)) {
    value = absl::StrCat("data:application/octet-stream;base64,", absl::Base64Escape(*bytes));
  }
  if (value.is_string()) {
    if (!absl::StartsWith(value.get_ref<const std::string&>(), "data:")) return Refuse(type);
    value = Json{{"file_data", std::move(value)}};
  }
  if (!value.is_object() || value.empty() || !HasOnly(value, {"file_data", "file_id", "filename"})) {
    return Refuse(type);
  }
  Json::object_t members;
  for (const char* key : {"file_data", "file_id", "filename"}) {
    const Json* given = Find(value, key);
    if (given != nullptr && !given->is_string() && !given->is_null()) return Refuse(type);
    members.emplace_back(key, given == nullptr ? Json() : Trimmed(*given));
  }
  value = Json(std::move(members));
  return AcceptAs(type, Exactness::kStrict);
}

}  // namespace dspex
