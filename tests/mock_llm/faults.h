#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <vector>

#include "tests/mock_llm/answer.h"
#include "tests/mock_llm/dialect.h"

namespace dspex::mock_llm {

/// Whether a fault has this name.
bool IsFault(absl::string_view name);

/// How an answer with this fault is delivered.
Delivery DeliveryOf(absl::string_view fault);

/// Makes the answer the fault's own, if the fault stands for a whole answer; returns whether it does.
bool ReplaceAnswer(absl::string_view fault, const Dialect& dialect, int64_t sequence, Answer& answer);

/// Breaks the body of an answer that is no stream, if that is what the fault does.
void BreakBody(absl::string_view fault, Answer& answer);

/// Breaks the events of a stream, if that is what the fault does.
void BreakEvents(absl::string_view fault, const Dialect& dialect, int64_t sequence, const StreamShape& shape,
                 std::vector<Event>& events);

}  // namespace dspex::mock_llm
