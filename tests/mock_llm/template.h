#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <string>

#include "tests/mock_llm/request.h"

namespace dspex::mock_llm {

/// A template with its {{last_user}}, {{model}}, {{n}}, {{fields}} and {{in_context}} filled in.
std::string FillTemplate(absl::string_view text, const ModelCall& call, int64_t sequence);

}  // namespace dspex::mock_llm
