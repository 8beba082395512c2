#pragma once

#include <absl/strings/string_view.h>

#include <optional>
#include <string>
#include <vector>

#include "engine/lm/language_model.h"

namespace dspex {

/// What is said of the models whose names a pattern matches; what is unset stays as it was.
struct CapabilityRule {
  /// A model's name, without its provider; '*' stands for any text.
  std::string pattern;
  std::optional<bool> images = {};
  std::optional<bool> response_format = {};
  std::optional<bool> json_schema = {};
  std::optional<bool> tools = {};
  std::optional<bool> reasoning = {};
};

/// What a model takes: by the built-in table of well-known models, then by the `configured` rules of its provider; of
/// several rules that match, the one with the longer pattern wins. A model that nothing is known of takes text alone,
/// as in DSPy.
lm::Capabilities CapabilitiesOf(absl::string_view provider, absl::string_view model,
                                const std::vector<CapabilityRule>& configured = {});

}  // namespace dspex
