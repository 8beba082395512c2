#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/lm/language_model.h"

namespace dspex {

/// One of several endpoints of the same model.
struct Route {
  std::shared_ptr<lm::LanguageModel> model;
  /// Above 0: of endpoints with 1 and 3, the second gets three calls in four, or may have three times as many in
  /// flight.
  double weight = 1;
};

enum class Routing {
  /// At random, by weight.
  kWeighted,
  /// Where the fewest calls are in flight for its weight.
  kLeastLoaded,
};

/// A model that sends each call to one of several endpoints. One that refuses the call before anything was sent
/// (breaker or limiter) is passed over for another; all that fails otherwise is for Retrying, around it.
///
/// `routes` is not empty. `random` yields numbers from [0, 1), is thread-safe and outlives the model.
std::shared_ptr<lm::LanguageModel> NewRouted(std::vector<Route> routes, Routing routing,
                                             std::function<double()> random);

}  // namespace dspex
