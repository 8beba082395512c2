#pragma once

#include <absl/strings/string_view.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "engine/json/json.h"
#include "engine/signature/signature.h"

namespace dspex {

/// A field's part of the completion has begun. Beginning once more, it takes the place of what came of it before.
struct FieldBegan {};
/// A piece of a text's value: joined, the pieces are the value.
struct FieldText {
  std::string text;
};
/// An element of a list (`key` is empty) or a member of an object, whole.
struct FieldElement {
  std::string key;
  Json value;
};
/// The field is whole.
struct FieldEnded {
  Json value;
};

/// What a piece of a completion adds to a field.
struct FieldPiece {
  /// One of the signature's outputs.
  const Field* field = nullptr;
  std::variant<FieldBegan, FieldText, FieldElement, FieldEnded> what;
};

/// Reads a completion while it comes. What it tells is what BoundAdapter::Parse will find in the whole, as far as that
/// can be known: where the whole needs mending, Parse has the last word. Texts are told of character by character,
/// lists and objects by their elements. For one completion, not thread-safe.
class CompletionReader {
 public:
  virtual ~CompletionReader() = default;

  /// Takes the next piece of the text, valid UTF-8, and appends what it adds. Linear in the text's length.
  virtual void Put(absl::string_view text, std::vector<FieldPiece>& pieces) = 0;
};

/// Whether a field's value is the text that the model writes, so that it can be told of as it comes.
bool IsStreamedText(const Field& field);

/// `outputs` outlives the reader.
std::unique_ptr<CompletionReader> MakeChatReader(const std::vector<Field>& outputs);
std::unique_ptr<CompletionReader> MakeJsonReader(const std::vector<Field>& outputs);
std::unique_ptr<CompletionReader> MakeXmlReader(const std::vector<Field>& outputs);

}  // namespace dspex
