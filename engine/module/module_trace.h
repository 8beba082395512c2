#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/json/json.h"

namespace dspex {

/// One call of a module within a Forward: what it took and gave.
struct ModuleCall {
  /// The module's place in the program.
  std::size_t module = 0;
  /// As they were given.
  Json inputs;
  /// The outputs, in the signature's order.
  Json outputs;
};

/// The calls of modules that went well, each behind those whose outputs it took. A Forward fills it where its record
/// has one.
struct ModuleTrace {
  std::vector<ModuleCall> calls;
};

}  // namespace dspex
