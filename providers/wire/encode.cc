#include "providers/wire/encode.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/json/escape.h"
#include "engine/json/json.h"

namespace dspex::wire {

namespace {

std::string TextOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

void AppendField(std::string& out, absl::string_view key, absl::string_view text) {
  absl::StrAppend(&out, key);
  AppendJsonString(out, text);
}

void AppendNumber(std::string& out, absl::string_view key, const std::optional<double>& value) {
  if (!value.has_value() || !std::isfinite(*value)) return;
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), *value);
  absl::StrAppend(&out, ",\"", key, "\":", absl::string_view(text, static_cast<std::size_t>(end.ptr - text)));
}

void AppendCount(std::string& out, absl::string_view key, const std::optional<int>& value) {
  if (value.has_value()) absl::StrAppend(&out, ",\"", key, "\":", *value);
}

void AppendFlag(std::string& out, absl::string_view key, const std::optional<bool>& value) {
  if (value.has_value()) absl::StrAppend(&out, ",\"", key, "\":", *value ? "true" : "false");
}

std::optional<DataUri> ParseDataUri(absl::string_view uri) {
  if (!absl::StartsWithIgnoreCase(uri, "data:")) return std::nullopt;
  const std::size_t comma = uri.find(',');
  if (comma == absl::string_view::npos) return std::nullopt;
  const absl::string_view head = uri.substr(5, comma - 5);
  if (!absl::EndsWithIgnoreCase(head, ";base64")) return std::nullopt;
  return DataUri{absl::AsciiStrToLower(head.substr(0, head.find(';'))), uri.substr(comma + 1)};
}

bool IsJsonObject(absl::string_view text) {
  const absl::StatusOr<Json> json = ParseJson(text);
  return json.ok() && json->is_object();
}

lm::Part PartOf(const lm::BlockPart& block) {
  const absl::StatusOr<Json> json = ParseJson(block.json);
  if (!json.ok() || !json->is_object()) return lm::TextPart{block.json};
  const std::string type = TextOf(*json, "type");
  if (type == "text") return lm::TextPart{TextOf(*json, "text")};
  const auto image = json->find("image_url");
  if (type != "image_url" || image == json->end()) return block;
  if (image->is_string()) return lm::ImagePart{image->get<std::string>()};
  if (!image->is_object()) return block;
  return lm::ImagePart{TextOf(*image, "url"), TextOf(*image, "detail")};
}

void AppendDocument(std::string& out, const lm::DocumentPart& document) {
  const bool pdf = document.media_type == "application/pdf";
  AppendField(out, R"({"type":"document","source":{"type":)", pdf ? "base64" : "text");
  AppendField(out, R"(,"media_type":)", document.media_type);
  AppendField(out, R"(,"data":)", document.data);
  absl::StrAppend(&out, R"(},"citations":{"enabled":true})");
  if (!document.title.empty()) AppendField(out, R"(,"title":)", document.title);
  if (!document.context.empty()) AppendField(out, R"(,"context":)", document.context);
  out += '}';
}

std::size_t EncodedBytes(const std::vector<lm::Message>& messages) {
  std::size_t size = 0;
  for (const lm::Message& message : messages) {
    size += 64;
    for (const lm::Part& part : message.parts) {
      size += 48;
      if (const auto* text = std::get_if<lm::TextPart>(&part)) size += text->text.size() * 17 / 16;
    }
  }
  return size;
}

}  // namespace dspex::wire
