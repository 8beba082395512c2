#pragma once

#include <absl/strings/string_view.h>

namespace dspex::anthropic {

/// What the API takes differs between models. Facts of the client that DSPy 3.4.1 ships.
struct ModelClass {
  /// The limit on output where a request has none: the API always wants one.
  int default_max_tokens = 16384;
  /// Thinks as much as it sees fit, steered by a word; the others are given a number of tokens for it.
  bool adaptive_thinking = false;
  /// Takes temperature and top_p; the others refuse requests that have them.
  bool sampling = true;
};

/// By the model's name, "claude-sonnet-4-5"; a model that is not known is one of the newer ones that take a number.
ModelClass ClassOf(absl::string_view model);

}  // namespace dspex::anthropic
