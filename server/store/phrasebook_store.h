#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "dspex/v1/phrasebook_service.pb.h"
#include "engine/base/task.h"

namespace dspex {

/// Keeps phrasebooks, which never change and never go. Thread-safe. Phrasebooks come out with all that the server sets.
/// Errors as ProgramStore's.
class PhrasebookStore {
 public:
  virtual ~PhrasebookStore() = default;

  /// Stores a phrasebook, whose digest is that of its contents. The same contents under the same id again change
  /// nothing; others are ALREADY_EXISTS / PHRASEBOOK_EXISTS. FAILED_PRECONDITION / TOO_MANY_PHRASEBOOKS beyond
  /// kMaxPhrasebooks.
  virtual Task<v1::Phrasebook> Create(std::string tenant, std::string id, v1::Phrasebook phrasebook) = 0;

  /// All of a tenant's, by name, with their contents. Blocks: for the start of the server.
  virtual absl::StatusOr<std::vector<v1::Phrasebook>> ReadAll(const std::string& tenant) = 0;

  static constexpr int kMaxPhrasebooks = 100;
};

}  // namespace dspex
