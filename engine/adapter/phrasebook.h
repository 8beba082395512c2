#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <memory>
#include <string>

#include "engine/adapter/phrase.h"
#include "engine/json/json.h"
#include "engine/signature/type.h"

namespace dspex {

/// The wording of a signature that dspex itself runs, for a metric or an optimizer.
struct SignatureWording {
  std::string instructions;
  /// By field, where there is one.
  absl::flat_hash_map<std::string, std::string> descriptions;
};

/// Every fixed sentence that reaches a language model. Adapters hold layout and logic only, so a program can be served
/// with other wording: the one it was optimised under. Immutable; thread-safe.
///
/// The comments name the slots; "lists" are slots that take several items. A slot may be left out of a phrase.
struct Phrasebook {
  /// The instructions of a signature that has none; lists `inputs`, `outputs` of `name`s.
  Phrase instructions;
  /// A field's name within instructions; `name`.
  Phrase name;

  // The list of fields.

  /// One field; `name`, `type`, `index` (from 1), `description` (only in the second).
  Phrase field;
  Phrase described_field;
  /// Follows a field for each of DSPy's types in it that has a description; `type`, `text`.
  Phrase type_description;
  /// Follows a field that has constraints; list `constraints` of those below, each with `value`. A phrase that says
  /// nothing leaves the constraint out.
  Phrase constraints;
  Phrase constraint_gt, constraint_ge, constraint_lt, constraint_le, constraint_multiple_of, constraint_min_length,
      constraint_max_length, constraint_allow_inf_nan, constraint_pattern, constraint_one_of, constraint_min_items,
      constraint_max_items, constraint_unique;

  // The pattern of an exchange.

  /// What stands for a field's value; `name`, `note` (empty, or one of those below).
  Phrase placeholder;
  /// What an output must look like, by its type; `type`, list `values`, `schema`.
  Phrase note_bool, note_number, note_enum, note_literal, note_schema;

  // The layouts. Each `system` has `input_fields`, `output_fields` (the lists of fields), `input_pattern`,
  // `output_pattern`, list `instructions` (lines). Each `reminder` has a list `fields` of the phrases below it.

  Phrase chat_system, chat_reminder;
  /// One output: a str, another type, tool calls; `marker`, `type`.
  Phrase chat_reminder_field, chat_reminder_typed_field, chat_reminder_tool_calls;

  Phrase json_system, json_reminder;
  /// The same; `name`, `type`.
  Phrase json_reminder_field, json_reminder_typed_field, json_reminder_tool_calls;

  /// The reminder has a slot `structure`: empty, or the phrase with the list `schemas` of nested outputs.
  Phrase xml_system, xml_reminder, xml_reminder_field, xml_reminder_structure;

  /// The system message has lists `inputs` and `outputs` of the phrases behind it (`name`, `type`) for the patterns.
  Phrase baml_system, baml_input, baml_output;
  /// Comments within a type: an object without fields; a field's other name, `alias`.
  Phrase baml_no_fields, baml_alias;

  /// Two-step: the system message (`instructions` is a text); the instructions of the extraction, list `fields`.
  Phrase two_step_system, two_step_instructions, two_step_extract_field;

  // Demos and values.

  /// Stands above a demo that lacks fields.
  Phrase demo_incomplete;
  /// Stands for a missing output of a demo.
  Phrase demo_missing_value;
  /// A tool among the inputs; `name`, `description`, `arguments`.
  Phrase tool, tool_no_description;
  /// A document within plain text; `title`, `length` (in characters).
  Phrase document, untitled_document;

  /// COPRO: what the model that writes instructions is told of each of its attempts; `number` (from 1), `text`. One
  /// captured by an older dspex lacks them.
  Phrase copro_instruction, copro_prefix, copro_score;

  /// "dspy-3.4.1"; the built-in one has "dspex".
  std::string book_name;
  /// By DSPy's own types ("ToolCalls", "Code"): what is said of the type (slots `language`, `language_lower`); the JSON
  /// Schema that an output of it shows; its documentation, which the BAML layout prints. Not every type has each.
  absl::flat_hash_map<std::string, Phrase> type_descriptions;
  absl::flat_hash_map<std::string, std::shared_ptr<const Json>> builtin_schemas;
  absl::flat_hash_map<std::string, std::string> builtin_docs;
  /// By the names that DSPy has for them ("SemanticRecallPrecision"). One captured by an older dspex may lack some.
  absl::flat_hash_map<std::string, SignatureWording> signatures;
  /// The JSON text that it was read from.
  std::string source;

  /// Reads a phrasebook that someone else wrote: {"name", "versions", "text": {id: phrase}, "type_description",
  /// "builtin_schema", "builtin_doc", "signature": {name: {"instructions", "fields": {name: description}}},
  /// "probe_sha256"}. INVALID_ARGUMENT / INVALID_REQUEST names the phrase that is
  /// missing, unknown or not well formed (metadata `phrase`); at most kMaxPhrasebookBytes.
  static absl::StatusOr<std::shared_ptr<const Phrasebook>> FromJson(absl::string_view text);

  /// The schema of one of DSPy's types, as JsonSchema asks for it; null where there is none.
  const Json* FindBuiltinSchema(const Type& type) const;

  /// The wording that comes with dspex (phrasebook.json).
  static const std::shared_ptr<const Phrasebook>& BuiltIn();
};

/// The longest JSON text of a phrasebook.
inline constexpr std::size_t kMaxPhrasebookBytes = std::size_t{1} << 20;

}  // namespace dspex
