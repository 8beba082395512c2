#pragma once

#include "tests/mock_llm/dialect.h"

namespace dspex::mock_llm {

/// OpenAI's chat completions.
class ChatDialect final : public Dialect {
 public:
  std::string Write(const ModelCall& call, int64_t sequence, const Completion& completion) const override;
  std::vector<Event> Stream(const ModelCall& call, int64_t sequence, const Completion& completion,
                            const StreamShape& shape) const override;
  std::optional<Failure> FailureOf(absl::string_view fault) const override;
  std::string WriteError(const Failure& failure, absl::string_view message, int64_t sequence) const override;
  Event ErrorEvent(int64_t sequence, size_t position) const override;
};

}  // namespace dspex::mock_llm
