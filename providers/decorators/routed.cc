#include "providers/decorators/routed.h"

#include <absl/base/thread_annotations.h>
#include <absl/container/inlined_vector.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/mutex.h"
#include "engine/base/reasons.h"
#include "providers/decorators/several.h"

namespace dspex {

namespace {

/// One for each endpoint, of which there are few.
using Flags = absl::InlinedVector<bool, 8>;

std::vector<std::shared_ptr<lm::LanguageModel>> ModelsOf(const std::vector<Route>& routes) {
  std::vector<std::shared_ptr<lm::LanguageModel>> models;
  for (const Route& route : routes) models.push_back(route.model);
  return models;
}

/// Which endpoint is next, and how many calls each has. Thread-safe.
class Balance {
 public:
  Balance(const std::vector<Route>& routes, Routing routing, std::function<double()> random)
      : routing_(routing), random_(std::move(random)), in_flight_(routes.size(), 0) {
    for (const Route& route : routes) weights_.push_back(route.weight);
  }

  /// Chooses among those that were not `tried`, one at least, and counts a call there.
  std::size_t Begin(const Flags& tried) {
    // A number for a point between the candidates; of those with the least load one is as good as another.
    const double luck = random_();
    MutexLock lock(&mutex_);
    const std::size_t chosen = routing_ == Routing::kWeighted ? ByWeight(tried, luck) : ByWeight(Busier(tried), luck);
    ++in_flight_[chosen];
    return chosen;
  }
  void End(std::size_t index) {
    MutexLock lock(&mutex_);
    --in_flight_[index];
  }

 private:
  // Those that were tried, or have more calls for their weight than the one with the least.
  Flags Busier(Flags out) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (!out[i]) least = std::min(least, in_flight_[i] / weights_[i]);
    }
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = out[i] || in_flight_[i] / weights_[i] > least;
    return out;
  }

  std::size_t ByWeight(const Flags& out, double luck) const {
    double total = 0;
    std::size_t last = 0;
    for (std::size_t i = 0; i < out.size(); ++i) total += out[i] ? 0 : weights_[i];
    double point = luck * total;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (out[i]) continue;
      last = i;
      if (point < weights_[i]) return i;
      point -= weights_[i];
    }
    return last;
  }

  const Routing routing_;
  const std::function<double()> random_;
  std::vector<double> weights_;
  Mutex mutex_;
  std::vector<int> in_flight_ ABSL_GUARDED_BY(mutex_);
};

/// A call that was counted, until it dies.
class Counted {
 public:
  Counted(Balance& balance, std::size_t index) : balance_(balance), index_(index) {}
  ~Counted() { balance_.End(index_); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  Balance& balance_;
  const std::size_t index_;
};

bool WasTurnedAway(const absl::Status& status) {
  const std::string why = ErrorReason(status);
  return why == reason::kProviderCircuitOpen || why == reason::kProviderLimitReached;
}

class Routed final : public Several {
 public:
  Routed(const std::vector<Route>& routes, Routing routing, std::function<double()> random)
      : Several(ModelsOf(routes)), balance_(routes, routing, std::move(random)) {}

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override {
    Flags tried(count(), false);
    for (std::size_t left = count();; --left) {
      const std::size_t index = balance_.Begin(tried);
      const Counted counted(balance_, index);
      absl::StatusOr<lm::Response> response = co_await at(index).Generate(context, request);
      if (response.ok() || left == 1 || !WasTurnedAway(response.status())) co_return response;
      tried[index] = true;
    }
  }

 private:
  Balance balance_;
};

}  // namespace

std::shared_ptr<lm::LanguageModel> NewRouted(std::vector<Route> routes, Routing routing,
                                             std::function<double()> random) {
  return std::make_shared<Routed>(routes, routing, std::move(random));
}

}  // namespace dspex
