#include "engine/evaluate/obstacle.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include <string>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

Blame BlameFor(const absl::Status& error) {
  static const auto* const kBlame = new absl::flat_hash_map<absl::string_view, Blame>{
      {reason::kUnknownProvider, Blame::kObstacle},
      {reason::kNoLanguageModel, Blame::kObstacle},
      {reason::kProviderAuth, Blame::kObstacle},
      {reason::kProviderPermission, Blame::kObstacle},
      {reason::kProviderBilling, Blame::kObstacle},
      {reason::kProviderUnreachable, Blame::kObstacle},
      {reason::kProviderOverloaded, Blame::kObstacle},
      {reason::kProviderCircuitOpen, Blame::kObstacle},
      {reason::kProviderRateLimited, Blame::kObstacle},
      {reason::kProviderLimitReached, Blame::kObstacle},
      {reason::kOverloaded, Blame::kObstacle},
      {reason::kDiskFull, Blame::kObstacle},
      {reason::kProviderTimeout, Blame::kTimeout},
      {reason::kBudgetSpent, Blame::kRun},
      {reason::kJobLost, Blame::kRun},
      {reason::kReplayDiverged, Blame::kRun},
      {reason::kDraining, Blame::kRun},
      {reason::kCancelled, Blame::kRun},
      {reason::kStorage, Blame::kRun},
  };
  const std::string reason = ErrorReason(error);
  const auto found = kBlame->find(reason);
  if (found != kBlame->end()) return found->second;
  return absl::IsCancelled(error) ? Blame::kRun : Blame::kExample;
}

}  // namespace dspex
