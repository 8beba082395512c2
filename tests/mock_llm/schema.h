#pragma once

#include <absl/strings/string_view.h>

#include <string>

namespace dspex::mock_llm {

/// JSON that a schema (JSON itself) accepts, with "mock" wherever a text will do.
std::string AnswerSchema(absl::string_view schema);

}  // namespace dspex::mock_llm
