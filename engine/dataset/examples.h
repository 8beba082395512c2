#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/task.h"
#include "engine/json/json.h"

namespace dspex {

/// One example of a dataset.
struct Example {
  std::string id;
  /// An object: inputs and labels, in the order of the dataset.
  Json fields;
};

/// A list of examples that does not change. It may be large, so it is read example by example. Thread-safe.
class Examples {
 public:
  virtual ~Examples() = default;

  virtual std::int64_t size() const = 0;

  /// The fields that are inputs.
  virtual const std::vector<std::string>& input_keys() const = 0;

  /// The example at `index`, from 0.
  virtual Task<Example> Get(std::int64_t index) const = 0;
};

/// The inputs of an example, in its order.
Json InputsOf(const Example& example, const std::vector<std::string>& input_keys);

}  // namespace dspex
