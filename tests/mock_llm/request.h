#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/mock_llm/in_context.h"
#include "tests/mock_llm/types.h"

namespace dspex::mock_llm {

/// What a request says that answers depend on, whichever face it speaks to.
struct ModelCall {
  Face face = Face::kChat;
  std::string model;
  std::string last_user;
  std::vector<Demonstration> demonstrations;  ///< The answered turns before it, in order.
  int64_t n = 1;
  size_t body_bytes = 0;
  bool stream = false;
  bool include_usage = false;        ///< A stream of chat completions is to end with its usage.
  bool encrypted_reasoning = false;  ///< Responses' reasoning is wanted in its sealed form, too.
  bool logprobs = false;             ///< Responses' texts are to have their log probabilities.
  std::string schema;                ///< The JSON schema that the answer must have; empty: none.
  std::string settings;              ///< What an answer of Responses repeats of its request, JSON.
};

/// The face that a target names; nullopt for any other target.
std::optional<Face> FaceOf(absl::string_view target);

/// Reads a request; INVALID_ARGUMENT says what the provider would refuse in it, UNAUTHENTICATED which key is missing.
absl::StatusOr<ModelCall> ReadCall(Face face, const Headers& headers, absl::string_view body);

}  // namespace dspex::mock_llm
