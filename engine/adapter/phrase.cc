#include "engine/adapter/phrase.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/json/utf8.h"

namespace dspex {

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

bool Phrase::ReadPiece(const Json& item, Piece& piece) {
  if (item.is_string()) {
    piece.kind = Kind::kLiteral;
    piece.text = item.get<std::string>();
    return true;
  }
  if (!item.is_object()) return false;
  bool named = false;
  for (const auto& [key, value] : item.items()) {
    if (!value.is_string()) return false;
    const auto text = value.get<std::string>();
    if (key == "slot" || key == "list") {
      if (named) return false;
      piece.kind = key == "slot" ? Kind::kSlot : Kind::kList;
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

absl::Status Phrase::Read(const Json& json, const std::vector<absl::string_view>& slots) {
  if (!json.is_array()) return absl::InvalidArgumentError("is no array of pieces");
  for (const Json& item : json) {
    Piece piece;
    if (!ReadPiece(item, piece)) return absl::InvalidArgumentError("has a piece that is neither a text nor a slot");
    if (piece.kind != Kind::kLiteral && std::find(slots.begin(), slots.end(), piece.text) == slots.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("has the unknown slot '", Shorten(piece.text, 40), "'; it knows: ", absl::StrJoin(slots, ", ")));
    }
    pieces_.push_back(std::move(piece));
  }
  return absl::OkStatus();
}

}  // namespace dspex
