#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/signature/named_type.h"
#include "engine/signature/schema_keywords.h"
#include "engine/signature/schema_type.h"

namespace dspex {

/// Builds a TypeTable. Models and enums are known by their keywords before any is read, so that they may refer to each
/// other in circles; a name that stands for something else (a list, a union) is read where it is first needed, and may
/// not.
class TypeTableReader final : public SchemaScope {
 public:
  TypeTableReader();

  absl::StatusOr<std::shared_ptr<const TypeTable>> Read(const std::vector<TypeTable::Declaration>& declarations);

  absl::StatusOr<Type> Refer(absl::string_view name, const SchemaPath& path, int depth) override;
  bool Declares(absl::string_view name) const override { return entries_.contains(name); }
  absl::StatusOr<Type> DeclareInPlace(const Json& schema, const SchemaKeywords& keywords, const SchemaPath& path,
                                      int depth) override;

 private:
  enum class State { kUnread, kReading, kRead };
  struct Entry {
    std::shared_ptr<const Json> schema;  // with markers
    SchemaKeywords keywords;             // points into it
    NamedType* type = nullptr;           // owned by table_
    // Only of a name that stands for another type: models and enums are what they are from the start.
    State state = State::kRead;
    const NamedType* target = nullptr;  // the model or enum that it stands for
  };

  absl::Status Collect(const TypeTable::Declaration& declaration);
  absl::Status Declare(const std::string& name, std::shared_ptr<const Json> schema);
  absl::Status Classify(Entry& entry);
  absl::Status ReadEntry(Entry& entry);
  absl::Status ReadAlias(Entry& entry, int depth);
  absl::Status ReadModel(const SchemaKeywords& keywords, const SchemaPath& path, int depth, NamedType& type);
  absl::StatusOr<ModelField> ReadField(const std::string& key, const Json& schema, const SchemaPath& path, int depth);
  absl::Status ReadReferences(Entry& entry);
  absl::Status CheckInhabited();

  NamedType* Add(std::string name);

  std::shared_ptr<TypeTable> table_;
  std::vector<NamedType*> types_;  // as table_ has them
  std::vector<std::string> order_;
  absl::flat_hash_map<std::string, Entry> entries_;
  std::size_t copied_ = 0;  // parts of types that stand for names, copied to where the names stand
};

}  // namespace dspex
