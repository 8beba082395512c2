#include "engine/adapter/phrasebook.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "engine/adapter/custom_type.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/json.h"
#include "engine/json/utf8.h"

namespace dspex {

// phrasebook.json, embedded by the build.
extern const char kBuiltInPhrasebook[];

namespace {

struct Entry {
  absl::string_view id;
  Phrase Phrasebook::* phrase;
  std::vector<absl::string_view> slots;
  bool optional = false;
};

const std::vector<Entry>& Entries() {
  using P = Phrasebook;
  static const std::vector<Entry> entries = {
      {"instructions", &P::instructions, {"inputs", "outputs"}},
      {"name", &P::name, {"name"}},
      {"field", &P::field, {"index", "name", "type"}},
      {"described_field", &P::described_field, {"index", "name", "type", "description"}},
      {"type_description", &P::type_description, {"type", "text"}},
      {"constraints", &P::constraints, {"constraints"}},
      {"constraint_gt", &P::constraint_gt, {"value"}},
      {"constraint_ge", &P::constraint_ge, {"value"}},
      {"constraint_lt", &P::constraint_lt, {"value"}},
      {"constraint_le", &P::constraint_le, {"value"}},
      {"constraint_multiple_of", &P::constraint_multiple_of, {"value"}},
      {"constraint_min_length", &P::constraint_min_length, {"value"}},
      {"constraint_max_length", &P::constraint_max_length, {"value"}},
      {"constraint_allow_inf_nan", &P::constraint_allow_inf_nan, {"value"}},
      // DSPy does not print these.
      {"constraint_pattern", &P::constraint_pattern, {"value"}, true},
      {"constraint_one_of", &P::constraint_one_of, {"value"}, true},
      {"constraint_min_items", &P::constraint_min_items, {"value"}, true},
      {"constraint_max_items", &P::constraint_max_items, {"value"}, true},
      {"constraint_unique", &P::constraint_unique, {"value"}, true},
      {"placeholder", &P::placeholder, {"name", "note"}},
      {"note_bool", &P::note_bool, {"type"}},
      {"note_number", &P::note_number, {"type"}},
      {"note_enum", &P::note_enum, {"values"}},
      {"note_literal", &P::note_literal, {"values"}},
      {"note_schema", &P::note_schema, {"schema"}},
      {"chat_system",
       &P::chat_system,
       {"input_fields", "output_fields", "input_pattern", "output_pattern", "instructions"}},
      {"chat_reminder", &P::chat_reminder, {"fields"}},
      {"chat_reminder_field", &P::chat_reminder_field, {"marker"}},
      {"chat_reminder_typed_field", &P::chat_reminder_typed_field, {"marker", "type"}},
      {"chat_reminder_tool_calls", &P::chat_reminder_tool_calls, {"marker"}},
      {"json_system",
       &P::json_system,
       {"input_fields", "output_fields", "input_pattern", "output_pattern", "instructions"}},
      {"json_reminder", &P::json_reminder, {"fields"}},
      {"json_reminder_field", &P::json_reminder_field, {"name"}},
      {"json_reminder_typed_field", &P::json_reminder_typed_field, {"name", "type"}},
      {"json_reminder_tool_calls", &P::json_reminder_tool_calls, {"name"}},
      {"xml_system",
       &P::xml_system,
       {"input_fields", "output_fields", "input_pattern", "output_pattern", "instructions"}},
      {"xml_reminder", &P::xml_reminder, {"fields", "structure"}},
      {"xml_reminder_field", &P::xml_reminder_field, {"name"}},
      {"xml_reminder_structure", &P::xml_reminder_structure, {"schemas"}},
      {"baml_system", &P::baml_system, {"input_fields", "output_fields", "inputs", "outputs", "instructions"}},
      {"baml_input", &P::baml_input, {"name"}},
      {"baml_output", &P::baml_output, {"name", "type"}},
      {"baml_no_fields", &P::baml_no_fields, {}},
      {"baml_alias", &P::baml_alias, {"alias"}},
      {"two_step_system", &P::two_step_system, {"input_fields", "output_fields", "instructions"}},
      {"two_step_instructions", &P::two_step_instructions, {"fields"}},
      {"two_step_extract_field", &P::two_step_extract_field, {"name"}},
      {"demo_incomplete", &P::demo_incomplete, {}},
      {"demo_missing_value", &P::demo_missing_value, {}},
      {"tool", &P::tool, {"name", "description", "arguments"}},
      {"tool_no_description", &P::tool_no_description, {"name", "arguments"}},
      {"document", &P::document, {"title", "length"}},
      {"untitled_document", &P::untitled_document, {"length"}},
      {"copro_instruction", &P::copro_instruction, {"number", "text"}, true},
      {"copro_prefix", &P::copro_prefix, {"number", "text"}, true},
      {"copro_score", &P::copro_score, {"number", "text"}, true},
  };
  return entries;
}

absl::Status Refuse(absl::string_view id, absl::string_view problem) {
  const std::string shown = Shorten(id, 60);
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               absl::StrCat("The phrasebook's '", shown, "' ", problem, ". Capture it anew, or correct it."))
      .With("phrase", shown);
}

absl::Status ReadTexts(const Json& texts, Phrasebook& book) {
  if (!texts.is_object()) return Refuse("text", "is no JSON object");
  for (const Entry& entry : Entries()) {
    const auto found = texts.find(entry.id);
    if (found == texts.end()) {
      if (entry.optional) continue;
      return Refuse(entry.id, "is missing");
    }
    const absl::Status status = (book.*entry.phrase).Read(*found, entry.slots);
    if (!status.ok()) return Refuse(entry.id, status.message());
  }
  for (const auto& [id, phrase] : texts.items()) {
    const auto same = [&id = id](const Entry& entry) { return entry.id == id; };
    if (std::none_of(Entries().begin(), Entries().end(), same)) return Refuse(id, "is no phrase of this version");
  }
  return absl::OkStatus();
}

absl::Status ReadStrings(absl::string_view key, const Json& json, absl::flat_hash_map<std::string, std::string>& out) {
  if (!json.is_object()) return Refuse(key, "is no JSON object");
  for (const auto& [type, text] : json.items()) {
    if (!text.is_string()) return Refuse(absl::StrCat(key, ".", type), "is no text");
    out.insert_or_assign(type, text.get<std::string>());
  }
  return absl::OkStatus();
}

absl::Status ReadSignature(const std::string& id, const Json& json, SignatureWording& out) {
  if (!json.is_object()) return Refuse(id, "is no JSON object");
  const auto instructions = json.find("instructions");
  if (instructions == json.end() || !instructions->is_string()) return Refuse(id, "has no text `instructions`");
  out.instructions = instructions->get<std::string>();
  for (const auto& [key, value] : json.items()) {
    if (key == "instructions") continue;
    if (key != "fields") return Refuse(absl::StrCat(id, ".", key), "is no part of this version");
    const absl::Status status = ReadStrings(absl::StrCat(id, ".fields"), value, out.descriptions);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReadSignatures(const Json& json, absl::flat_hash_map<std::string, SignatureWording>& out) {
  if (!json.is_object()) return Refuse("signature", "is no JSON object");
  for (const auto& [name, wording] : json.items()) {
    const absl::Status status = ReadSignature(absl::StrCat("signature.", name), wording, out[name]);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReadSchemas(const Json& json, absl::flat_hash_map<std::string, std::shared_ptr<const Json>>& out) {
  if (!json.is_object()) return Refuse("builtin_schema", "is no JSON object");
  for (const auto& [type, text] : json.items()) {
    absl::StatusOr<Json> schema =
        text.is_string() ? ParseJson(text.get_ref<const std::string&>()) : absl::InvalidArgumentError("no text");
    if (!schema.ok() || !schema->is_object()) return Refuse(absl::StrCat("builtin_schema.", type), "is no JSON Schema");
    out.insert_or_assign(type, std::make_shared<const Json>(*std::move(schema)));
  }
  return absl::OkStatus();
}

absl::Status ReadDescriptions(const Json& json, absl::flat_hash_map<std::string, Phrase>& out) {
  if (!json.is_object()) return Refuse("type_description", "is no JSON object");
  for (const auto& [type, pieces] : json.items()) {
    Phrase phrase;
    const absl::Status status = phrase.Read(pieces, {"language", "language_lower"});
    if (!status.ok()) return Refuse(absl::StrCat("type_description.", type), status.message());
    out.insert_or_assign(type, std::move(phrase));
  }
  return absl::OkStatus();
}

absl::Status ReadBook(const Json& json, Phrasebook& book) {
  if (!json.is_object()) return Refuse("phrasebook", "is no JSON object");
  bool named = false;
  bool texts = false;
  for (const auto& [key, value] : json.items()) {
    absl::Status status;
    if (key == "name") {
      if (!value.is_string() || value.get_ref<const std::string&>().empty()) return Refuse("name", "is no name");
      book.book_name = value.get<std::string>();
      named = true;
    } else if (key == "text") {
      status = ReadTexts(value, book);
      texts = true;
    } else if (key == "type_description") {
      status = ReadDescriptions(value, book.type_descriptions);
    } else if (key == "builtin_schema") {
      status = ReadSchemas(value, book.builtin_schemas);
    } else if (key == "builtin_doc") {
      status = ReadStrings(key, value, book.builtin_docs);
    } else if (key == "signature") {
      status = ReadSignatures(value, book.signatures);
    } else if (key != "versions" && key != "probe_sha256") {
      status = Refuse(key, "is no part of this version");
    }
    if (!status.ok()) return status;
  }
  if (!named) return Refuse("name", "is missing");
  if (!texts) return Refuse("text", "is missing");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Phrasebook>> Phrasebook::FromJson(absl::string_view text) {
  const absl::StatusOr<Json> json =
      ParseJson(text, {.max_bytes = kMaxPhrasebookBytes, .max_depth = 8, .max_values = 20'000});
  if (!json.ok()) return json.status();
  auto book = std::make_shared<Phrasebook>();
  if (absl::Status status = ReadBook(*json, *book); !status.ok()) return status;
  book->source = std::string(text);
  return book;
}

const Json* Phrasebook::FindBuiltinSchema(const Type& type) const {
  const auto found = builtin_schemas.find(BuiltinName(type.kind));
  return found == builtin_schemas.end() ? nullptr : found->second.get();
}

const std::shared_ptr<const Phrasebook>& Phrasebook::BuiltIn() {
  static const std::shared_ptr<const Phrasebook> book = FromJson(kBuiltInPhrasebook).value();
  return book;
}

}  // namespace dspex
