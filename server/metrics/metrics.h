#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <prometheus/collectable.h>
#include <prometheus/registry.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/mutex.h"
#include "providers/decorators/attempt_meter.h"
#include "providers/http/client.h"
#include "server/metrics/method_metrics.h"

namespace dspex {

/// All metrics of the server; docs/metrics.md lists them. Labels are bounded: models beyond the first hundred are
/// counted as "other", since callers name them. Thread-safe.
class Metrics final : public AttemptObserver {
 public:
  Metrics();
  ~Metrics() override;

  /// The instruments of one RPC method; called once for each at start.
  std::unique_ptr<MethodMetrics> ForMethod(absl::string_view service, absl::string_view method);

  /// Reads the connection pools' gauges at each scrape. `stats` lists them by provider; called until it is replaced by
  /// null.
  void SetPoolStats(std::function<std::vector<std::pair<std::string, http::PoolStats>>()> stats);

  void OnAttempt(const Attempt& attempt) override;

  /// What a scrape reads.
  std::vector<std::weak_ptr<prometheus::Collectable>> Collectables() const;

 private:
  class PoolCollector;
  struct Families;

  const std::shared_ptr<prometheus::Registry> registry_;
  const std::unique_ptr<Families> families_;
  const std::shared_ptr<PoolCollector> pools_;

  struct AttemptInstruments;
  const AttemptInstruments& AttemptFor(absl::string_view provider, absl::string_view model, absl::string_view outcome)
      ABSL_LOCKS_EXCLUDED(mutex_);

  Mutex mutex_;
  absl::flat_hash_set<std::string> models_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::unique_ptr<AttemptInstruments>> attempts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dspex
