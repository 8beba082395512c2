#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/adapter/phrasebook.h"
#include "engine/signature/type.h"

namespace dspex {

/// One field of an object as the BAML layout shows it.
struct BamlField {
  std::string name;
  Type type;
  std::string description = {};
  std::string alias = {};
};

/// An object as the BAML layout shows it.
struct BamlObject {
  /// What tells objects apart.
  std::string key;
  std::string documentation;
  std::vector<BamlField> fields;
};

/// The fields that DSPy's own types have; none for any other type.
std::optional<BamlObject> BuiltinObject(const Phrasebook& book, const Type& type);

}  // namespace dspex
