#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "tests/mock_llm/dialect.h"

namespace dspex::mock_llm {

/// JSON of a value. Texts may hold anything a request held; what is not UTF-8 becomes U+FFFD.
std::string Dump(const nlohmann::ordered_json& value);
/// A text as JSON.
std::string Quote(absl::string_view text);

/// Tokens of a call: those of a scripted usage, or about one for four bytes.
struct Counts {
  size_t input = 0;
  size_t output = 0;
};
Counts CountTokens(const ModelCall& call, const Completion& completion);

/// The errors of OpenAI, which its faces share.
std::optional<Failure> OpenAiFailure(absl::string_view fault);
std::string WriteOpenAiError(const Failure& failure, absl::string_view message);

}  // namespace dspex::mock_llm
