#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace dspex::mock_llm {

using Milliseconds = std::chrono::duration<double, std::milli>;
using Headers = std::vector<std::pair<std::string, std::string>>;

/// Which provider's interface a request speaks.
enum class Face { kChat, kMessages, kResponses };

}  // namespace dspex::mock_llm
