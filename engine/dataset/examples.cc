#include "engine/dataset/examples.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace dspex {

Json InputsOf(const Example& example, const std::vector<std::string>& input_keys) {
  Json inputs = Json::object();
  for (const auto& [name, value] : example.fields.items()) {
    if (std::find(input_keys.begin(), input_keys.end(), name) != input_keys.end()) inputs[name] = value;
  }
  return inputs;
}

}  // namespace dspex
