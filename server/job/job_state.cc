#include "server/job/job_state.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <iterator>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

namespace {

struct Transition {
  v1::JobState from;
  v1::JobState to;
};

constexpr Transition kTransitions[] = {
    {v1::JOB_STATE_QUEUED, v1::JOB_STATE_RUNNING},    {v1::JOB_STATE_QUEUED, v1::JOB_STATE_CANCELLED},
    {v1::JOB_STATE_RUNNING, v1::JOB_STATE_WAITING},   {v1::JOB_STATE_RUNNING, v1::JOB_STATE_QUEUED},
    {v1::JOB_STATE_RUNNING, v1::JOB_STATE_SUCCEEDED}, {v1::JOB_STATE_RUNNING, v1::JOB_STATE_FAILED},
    {v1::JOB_STATE_RUNNING, v1::JOB_STATE_CANCELLED}, {v1::JOB_STATE_WAITING, v1::JOB_STATE_RUNNING},
    {v1::JOB_STATE_WAITING, v1::JOB_STATE_QUEUED},    {v1::JOB_STATE_WAITING, v1::JOB_STATE_SUCCEEDED},
    {v1::JOB_STATE_WAITING, v1::JOB_STATE_FAILED},    {v1::JOB_STATE_WAITING, v1::JOB_STATE_CANCELLED},
    {v1::JOB_STATE_FAILED, v1::JOB_STATE_QUEUED},     {v1::JOB_STATE_CANCELLED, v1::JOB_STATE_QUEUED},
};

}  // namespace

bool IsLegalTransition(v1::JobState from, v1::JobState to) {
  return std::any_of(std::begin(kTransitions), std::end(kTransitions),
                     [&](const Transition& legal) { return legal.from == from && legal.to == to; });
}

absl::Status CheckTransition(absl::string_view name, v1::JobState from, v1::JobState to) {
  return IsLegalTransition(from, to) ? absl::OkStatus() : IllegalTransition(name, from, to);
}

absl::Status IllegalTransition(absl::string_view name, v1::JobState from, v1::JobState to) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kJobState,
               absl::StrCat("The job ", name, " is ", ShortName(from), " and cannot become ", ShortName(to),
                            ". Look at it with GetJob."))
      .With("job", name)
      .With("state", ShortName(from))
      .With("wanted", ShortName(to));
}

bool HasEnded(v1::JobState state) {
  return state == v1::JOB_STATE_SUCCEEDED || state == v1::JOB_STATE_FAILED || state == v1::JOB_STATE_CANCELLED;
}

absl::string_view ShortName(v1::JobState state) { return absl::StripPrefix(v1::JobState_Name(state), "JOB_STATE_"); }

}  // namespace dspex
