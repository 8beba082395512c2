#pragma once

#include <absl/strings/string_view.h>

#include <string>
#include <vector>

#include "engine/adapter/completion_reader.h"
#include "engine/adapter/container_scanner.h"

namespace dspex {

/// Tells of the elements of a list's or an object's JSON text as they become whole.
class ElementReader final : private ContainerScanner::Handler {
 public:
  explicit ElementReader(const Field& field) : field_(field), scanner_(*this) {}

  void Put(absl::string_view text, std::vector<FieldPiece>& pieces);

  /// Whether a field's values have elements.
  static bool Reads(const Type& type);

 private:
  void OnBegin(const std::string& key, bool is_text) override;
  void OnText(absl::string_view) override {}
  void OnRaw(absl::string_view raw) override { raw_.append(raw.data(), raw.size()); }
  void OnEnd() override;

  const Field& field_;
  ContainerScanner scanner_;
  std::vector<FieldPiece>* pieces_ = nullptr;
  std::string key_;
  std::string raw_;
};

}  // namespace dspex
