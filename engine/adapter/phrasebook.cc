#include "engine/adapter/phrasebook.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/json/json.h"

namespace dspex {

// phrasebook.json, embedded by the build.
extern const char kBuiltInPhrasebook[];

void Phrase::AppendTo(std::string& out, std::initializer_list<Filling> fillings) const {
  for (const Piece& piece : pieces_) {
    if (piece.kind == Kind::kLiteral) {
      out.append(piece.text);
      continue;
    }
    const auto* filling = std::find_if(fillings.begin(), fillings.end(),
                                       [&piece](const Filling& candidate) { return candidate.slot == piece.text; });
    if (filling == fillings.end()) continue;
    if (piece.kind == Kind::kSlot) {
      out.append(filling->text.data(), filling->text.size());
    } else if (filling->items == nullptr || filling->items->empty()) {
      out.append(piece.none);
    } else {
      absl::string_view separator;
      for (const std::string& item : *filling->items) {
        absl::StrAppend(&out, separator, item);
        separator = piece.separator;
      }
    }
  }
}

std::string Phrase::Render(std::initializer_list<Filling> fillings) const {
  std::string out;
  AppendTo(out, fillings);
  return out;
}

/// Reads phrases out of a JSON object and keeps the first error.
class PhrasebookReader {
 public:
  explicit PhrasebookReader(const Json& json) : json_(json) {}

  /// `slots` are the names that the phrase may use.
  void Read(const char* id, std::initializer_list<absl::string_view> slots, Phrase& phrase) {
    read_.insert(id);
    const auto found = json_.find(id);
    if (found == json_.end() || !found->is_array()) return Fail(id, "is missing or no array");
    for (const Json& item : *found) {
      Phrase::Piece piece;
      if (!ReadPiece(item, piece)) return Fail(id, "has a piece that is neither a text nor a slot");
      if (piece.kind != Phrase::Kind::kLiteral && std::find(slots.begin(), slots.end(), piece.text) == slots.end()) {
        return Fail(id,
                    absl::StrCat("has the unknown slot '", piece.text, "'; it knows: ", absl::StrJoin(slots, ", ")));
      }
      phrase.pieces_.push_back(std::move(piece));
    }
  }

  absl::Status Finish() {
    for (const auto& [id, phrase] : json_.items()) {
      if (!read_.contains(id)) Fail(id, "is not a phrase of this version");
    }
    return status_;
  }

 private:
  static bool ReadPiece(const Json& item, Phrase::Piece& piece) {
    if (item.is_string()) {
      piece.kind = Phrase::Kind::kLiteral;
      piece.text = item.get<std::string>();
      return true;
    }
    if (!item.is_object()) return false;
    bool named = false;
    for (const auto& [key, value] : item.items()) {
      if (!value.is_string()) return false;
      const auto text = value.get<std::string>();
      if (key == "slot" || key == "list") {
        piece.kind = key == "slot" ? Phrase::Kind::kSlot : Phrase::Kind::kList;
        piece.text = text;
        named = true;
      } else if (key == "sep") {
        piece.separator = text;
      } else if (key == "none") {
        piece.none = text;
      } else {
        return false;
      }
    }
    return named;
  }

  void Fail(absl::string_view id, absl::string_view problem) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat("phrasebook: '", id, "' ", problem));
  }

  const Json& json_;
  absl::flat_hash_set<std::string> read_;
  absl::Status status_;
};

absl::StatusOr<std::shared_ptr<const Phrasebook>> Phrasebook::FromJson(absl::string_view text) {
  absl::StatusOr<Json> json = ParseJson(text);
  if (!json.ok()) return json.status();
  if (!json->is_object()) return absl::InvalidArgumentError("phrasebook: not a JSON object");
  auto book = std::make_shared<Phrasebook>();
  PhrasebookReader reader(*json);
  reader.Read("instructions", {"inputs", "outputs"}, book->instructions);
  reader.Read("name", {"name"}, book->name);
  reader.Read("system", {"input_fields", "output_fields", "pattern", "instructions"}, book->system);
  reader.Read("field", {"index", "name", "type"}, book->field);
  reader.Read("described_field", {"index", "name", "type", "description"}, book->described_field);
  reader.Read("placeholder", {"name", "note"}, book->placeholder);
  reader.Read("note_bool", {"type"}, book->note_bool);
  reader.Read("note_int", {"type"}, book->note_int);
  reader.Read("note_float", {"type"}, book->note_float);
  reader.Read("note_literal", {"type", "values"}, book->note_literal);
  reader.Read("note_schema", {"type", "schema"}, book->note_schema);
  reader.Read("reminder", {"fields", "end"}, book->reminder);
  reader.Read("reminder_field", {"marker"}, book->reminder_field);
  reader.Read("reminder_typed_field", {"marker", "type"}, book->reminder_typed_field);
  reader.Read("demo_incomplete", {}, book->demo_incomplete);
  reader.Read("demo_missing_value", {}, book->demo_missing_value);
  if (absl::Status status = reader.Finish(); !status.ok()) return status;
  return book;
}

const std::shared_ptr<const Phrasebook>& Phrasebook::BuiltIn() {
  static const std::shared_ptr<const Phrasebook> book = FromJson(kBuiltInPhrasebook).value();
  return book;
}

}  // namespace dspex
