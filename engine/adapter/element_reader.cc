#include "engine/adapter/element_reader.h"

#include <utility>

#include "engine/signature/coerce.h"

namespace dspex {

using Kind = Type::Kind;

void ElementReader::Put(absl::string_view text, std::vector<FieldPiece>& pieces) {
  pieces_ = &pieces;
  scanner_.Put(text);
}

bool ElementReader::Reads(const Type& type) {
  return type.kind == Kind::kList || type.kind == Kind::kDict || type.kind == Kind::kModel;
}

void ElementReader::OnBegin(const std::string& key, bool) {
  key_ = key;
  raw_.clear();
}

// An element that its type refuses is not told of: the whole will say what is wrong with it.
void ElementReader::OnEnd() {
  absl::StatusOr<Json> value = ParseJson(raw_);
  if (!value.ok()) return;
  const std::vector<Type>& arguments = field_.type.arguments;
  if (field_.type.kind != Kind::kModel && !arguments.empty()) value = Coerce(arguments.back(), *std::move(value));
  if (!value.ok()) return;
  pieces_->push_back({&field_, FieldElement{std::move(key_), *std::move(value)}});
}

}  // namespace dspex
