#pragma once

#include <absl/strings/string_view.h>

#include <optional>

#include "engine/base/money.h"

namespace dspex {

struct Usage;

/// What calls of language models cost. Thread-safe.
class Pricing {
 public:
  virtual ~Pricing() = default;

  /// What `usage` of the model "provider/model" costs; nothing if the model has no price.
  virtual std::optional<Money> Cost(absl::string_view name, const Usage& usage) const = 0;
};

}  // namespace dspex
