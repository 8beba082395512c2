#pragma once

#include <absl/base/thread_annotations.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dspex/v1/phrasebook_service.pb.h"
#include "engine/adapter/phrasebooks.h"
#include "engine/base/mutex.h"

namespace dspex {

/// The stored phrasebooks, read and ready for programs. Holds all of them: there are few, and they never change.
/// Thread-safe.
class PhrasebookRegistry final : public Phrasebooks {
 public:
  /// Takes a phrasebook that is stored. Errors as Phrasebook::FromJson's; a name that is there already changes nothing.
  absl::Status Add(v1::Phrasebook phrasebook);

  absl::StatusOr<std::shared_ptr<const Phrasebook>> Find(absl::string_view name) const override;

  /// As it was stored. Errors as Find's.
  absl::StatusOr<v1::Phrasebook> Get(absl::string_view name) const;

  /// All by name, without their contents.
  std::vector<v1::Phrasebook> List() const;

 private:
  struct Entry {
    v1::Phrasebook stored;
    std::shared_ptr<const Phrasebook> phrasebook;
  };

  absl::StatusOr<const Entry*> FindEntry(absl::string_view name) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dspex
