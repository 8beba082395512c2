#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

namespace dspex {

/// A fixed sentence with slots for what varies. Immutable.
///
/// In JSON it is an array of literal texts, slots {"slot": name} and list slots {"list": name, "sep": text, "none":
/// text}; `none` stands for an empty list.
class Phrase {
 public:
  /// What fills a slot. A list slot takes `items`, any other `text`.
  struct Filling {
    Filling(absl::string_view s, absl::string_view t) : slot(s), text(t) {}
    Filling(absl::string_view s, const std::vector<std::string>& i) : slot(s), items(&i) {}

    absl::string_view slot;
    absl::string_view text;
    const std::vector<std::string>* items = nullptr;
  };

  /// Appends the sentence. A slot without a filling stays empty.
  void AppendTo(std::string& out, std::initializer_list<Filling> fillings) const;
  std::string Render(std::initializer_list<Filling> fillings) const;

 private:
  friend class PhrasebookReader;
  enum class Kind { kLiteral, kSlot, kList };
  struct Piece {
    Kind kind;
    /// The literal, or the slot's name.
    std::string text;
    std::string separator;
    std::string none;
  };
  std::vector<Piece> pieces_;
};

/// Every fixed sentence that reaches a language model. Adapters hold layout and logic only, so a program can be served
/// with other wording: the one it was optimised under. Immutable.
struct Phrasebook {
  /// The instructions of a signature that has none; lists `inputs`, `outputs` of `name`s.
  Phrase instructions;
  /// A field's name within instructions; `name`.
  Phrase name;

  /// The system message; lists `input_fields`, `output_fields`, `instructions` (lines), slot `pattern`.
  Phrase system;
  /// A field in the system message; `name`, `type`, `index` (from 1), `description` (only in the second).
  Phrase field;
  Phrase described_field;
  /// What stands for a field's value in the pattern; `name`, `note` (empty, or one of those below).
  Phrase placeholder;

  /// What an output must look like, by its type; `type`, list `values` of a literal, `schema`.
  Phrase note_bool;
  Phrase note_int;
  Phrase note_float;
  Phrase note_literal;
  Phrase note_schema;

  /// Ends the turn that asks for an answer; list `fields` of the two below, `end` (the last marker).
  Phrase reminder;
  /// One output; `marker`, `type` (only in the second, for what is not str).
  Phrase reminder_field;
  Phrase reminder_typed_field;

  /// Stands above a demo that lacks fields.
  Phrase demo_incomplete;
  /// Stands for a missing output of a demo.
  Phrase demo_missing_value;

  /// Reads a phrasebook: one JSON object with a phrase for each member above. INVALID_ARGUMENT names the phrase that
  /// is missing, unknown or not well formed.
  static absl::StatusOr<std::shared_ptr<const Phrasebook>> FromJson(absl::string_view text);

  /// The wording that comes with dspex (phrasebook.json).
  static const std::shared_ptr<const Phrasebook>& BuiltIn();
};

}  // namespace dspex
