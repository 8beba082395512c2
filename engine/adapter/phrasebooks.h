#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <memory>

#include "engine/adapter/phrasebook.h"

namespace dspex {

/// Finds phrasebooks that were stored, by name. Thread-safe, and quick: programs are built with it.
class Phrasebooks {
 public:
  virtual ~Phrasebooks() = default;

  /// The phrasebook "phrasebooks/{phrasebook}". NOT_FOUND / PHRASEBOOK_NOT_FOUND, metadata `phrasebook`.
  virtual absl::StatusOr<std::shared_ptr<const Phrasebook>> Find(absl::string_view name) const = 0;
};

}  // namespace dspex
