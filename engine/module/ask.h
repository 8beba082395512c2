#pragma once

#include <absl/status/statusor.h>

#include <vector>

#include "engine/base/context.h"
#include "engine/base/task.h"
#include "engine/lm/language_model.h"

namespace dspex {

/// Ends the trace node of a call of a language model, and notes in it what the model answered.
void NoteAnswer(const RequestContext& call, const absl::StatusOr<lm::Response>& response);

/// The responses to equal requests, made side by side: as many as there is room for, in order. The first error is the
/// result. Each call has a node in the trace.
StatusTask Ask(const RequestContext& context, lm::LanguageModel& model, const lm::Request& request,
               std::vector<lm::Response>& responses);

}  // namespace dspex
