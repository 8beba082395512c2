#pragma once

#include <absl/strings/string_view.h>

#include "engine/optimizer/optimizer.h"

namespace dspex {

/// For runs that nobody watches.
class NoObserver final : public OptimizerObserver {
 public:
  void OnPhase(absl::string_view /*phase*/) override {}
  void OnCandidate(const TriedCandidate& /*candidate*/) override {}
  void OnDecision(absl::string_view /*example_id*/, int /*candidate*/, absl::string_view /*verdict*/,
                  absl::string_view /*why*/) override {}
};

}  // namespace dspex
