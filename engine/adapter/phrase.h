#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "engine/json/json.h"

namespace dspex {

/// A fixed sentence with slots for what varies. Immutable once read.
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

  /// Reads a phrase whose slots are all among `slots`. INVALID_ARGUMENT says what is wrong with it, without its name.
  absl::Status Read(const Json& json, const std::vector<absl::string_view>& slots);

  /// Appends the sentence. A slot without a filling stays empty.
  void AppendTo(std::string& out, std::initializer_list<Filling> fillings) const;
  std::string Render(std::initializer_list<Filling> fillings) const;

  /// Whether it says nothing at all.
  bool empty() const { return pieces_.empty(); }

 private:
  enum class Kind { kLiteral, kSlot, kList };
  struct Piece {
    Kind kind;
    /// The literal, or the slot's name.
    std::string text;
    std::string separator;
    std::string none;
  };

  static bool ReadPiece(const Json& item, Piece& piece);

  std::vector<Piece> pieces_;
};

}  // namespace dspex
