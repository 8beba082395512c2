// Blocks of content as parts of messages, and marked texts as blocks.

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "engine/adapter/custom_type.h"
#include "engine/adapter/python_text.h"
#include "engine/json/python_format.h"
#include "engine/json/python_repr.h"
#include "engine/json/tolerant_json.h"

namespace dspex {

namespace {

bool HasText(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string();
}

// Whether the block says what the value of that type says, and no more.
bool IsBlockOf(Type::Kind kind, const Json& value, const Json& block) {
  const std::optional<Json> blocks = BlocksOf(kind, value);
  return blocks.has_value() && blocks->size() == 1 && blocks->front() == block;
}

bool IsStringOf(const Json& object, const char* name, std::size_t members) {
  return object.is_object() && object.size() == members && HasText(object, name);
}

std::string TakeText(Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return "";
  return std::move(found->get_ref<std::string&>());
}

// Parts of blocks that say no more than the part can; none otherwise. They take the texts out of the block.

// The member "name" of a block that has nothing but "type" and this.
Json* OnlyMember(Json& block, const char* name) {
  const auto found = block.size() == 2 ? block.find(name) : block.end();
  return found == block.end() ? nullptr : &*found;
}

std::optional<lm::Part> ImageOf(Json& block) {
  Json* image = OnlyMember(block, "image_url");
  if (image == nullptr) return std::nullopt;
  const bool detailed = IsStringOf(*image, "url", 2) && HasText(*image, "detail");
  if (!detailed && !IsStringOf(*image, "url", 1)) return std::nullopt;
  return lm::ImagePart{TakeText(*image, "url"), TakeText(*image, "detail")};
}

std::optional<lm::Part> AudioOf(Json& block) {
  Json* audio = OnlyMember(block, "input_audio");
  if (audio == nullptr || !IsStringOf(*audio, "data", 2) || !HasText(*audio, "format")) return std::nullopt;
  return lm::AudioPart{TakeText(*audio, "data"), TakeText(*audio, "format")};
}

std::optional<lm::Part> FileOf(Json& block) {
  Json* file = OnlyMember(block, "file");
  if (file == nullptr || !file->is_object() || !IsBlockOf(Type::Kind::kFile, *file, block)) return std::nullopt;
  return lm::FilePart{TakeText(*file, "file_data"), TakeText(*file, "file_id"), TakeText(*file, "filename")};
}

std::optional<lm::Part> DocumentOf(Json& block) {
  const auto source = block.find("source");
  if (source == block.end() || !source->is_object()) return std::nullopt;
  Json document = *source;
  for (const char* name : {"title", "context"}) {
    if (const auto found = block.find(name); found != block.end()) document[name] = *found;
  }
  if (!IsBlockOf(Type::Kind::kDocument, document, block)) return std::nullopt;
  return lm::DocumentPart{TakeText(*source, "data"), TakeText(*source, "media_type"), TakeText(block, "title"),
                          TakeText(block, "context")};
}

// json.loads(json.loads('"' + text + '"')): how blocks stand in a JSON text that holds them.
std::optional<Json> ParseTwice(absl::string_view text) {
  absl::StatusOr<Json> once = ParseJson(absl::StrCat("\"", text, "\""));
  if (!once.ok() || !once->is_string()) return std::nullopt;
  absl::StatusOr<Json> twice = ParseJson(once->get_ref<const std::string&>());
  if (!twice.ok()) return std::nullopt;
  return *std::move(twice);
}

std::optional<Json> ReadBlocks(absl::string_view text) {
  if (absl::StatusOr<Json> json = ParseJson(text); json.ok()) return *std::move(json);
  if (std::optional<Json> json = ParseTwice(text)) return json;
  if (absl::StatusOr<Json> json = ParseTolerantJson(text); json.ok()) return *std::move(json);
  return std::nullopt;
}

void AppendBlocks(std::vector<lm::Part>& parts, absl::string_view marked) {
  marked = python_text::Strip(marked);
  std::optional<Json> blocks = ReadBlocks(marked);
  if (!blocks.has_value() || !blocks->is_array()) {
    parts.emplace_back(lm::TextPart{std::string(marked)});
    return;
  }
  for (Json& block : *blocks) {
    if (block.is_object()) {
      parts.push_back(PartOfBlock(std::move(block)));
    } else {
      std::string text;
      if (block.is_structured()) {
        AppendPythonRepr(text, block);
      } else {
        AppendPythonStr(text, block);
      }
      parts.emplace_back(lm::TextPart{std::move(text)});
    }
  }
}

}  // namespace

lm::Part PartOfBlock(Json block) {
  const auto named = block.find("type");
  const std::string type = named != block.end() && named->is_string() ? named->get<std::string>() : std::string();
  std::optional<lm::Part> part;
  if (type == "text" && IsStringOf(block, "text", 2)) part = lm::TextPart{TakeText(block, "text")};
  if (type == "image_url") part = ImageOf(block);
  if (type == "input_audio") part = AudioOf(block);
  if (type == "file") part = FileOf(block);
  if (type == "document") part = DocumentOf(block);
  if (part.has_value()) return *std::move(part);
  std::string json;
  AppendPythonJson(json, block);
  return lm::BlockPart{std::move(json)};
}

std::vector<lm::Part> ExpandMarkers(absl::string_view text) {
  std::vector<lm::Part> parts;
  while (!text.empty()) {
    const std::size_t start = text.find(kBlockMarkerStart);
    if (start == absl::string_view::npos) break;
    const std::size_t begin = start + kBlockMarkerStart.size();
    const std::size_t end = text.find(kBlockMarkerEnd, begin);
    // Without an end here, no later start has one either.
    if (end == absl::string_view::npos) break;
    if (start > 0) parts.emplace_back(lm::TextPart{std::string(text.substr(0, start))});
    AppendBlocks(parts, text.substr(begin, end - begin));
    text.remove_prefix(end + kBlockMarkerEnd.size());
  }
  if (!text.empty()) parts.emplace_back(lm::TextPart{std::string(text)});
  return parts;
}

}  // namespace dspex
