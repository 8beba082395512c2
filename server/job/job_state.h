#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include "dspex/v1/job.pb.h"

namespace dspex {

/// Whether a job may go from one state to the other:
///
///     QUEUED    -> RUNNING                                   somebody claimed it
///               -> CANCELLED                                 it was cancelled before anybody ran it
///     RUNNING   -> WAITING                                   something is in the way
///               -> QUEUED                                    released, or its owner is gone
///               -> SUCCEEDED, FAILED, CANCELLED
///     WAITING   -> RUNNING                                   what was in the way is not any more
///               -> QUEUED, SUCCEEDED, FAILED, CANCELLED      as RUNNING; SUCCEEDED when its time was spent waiting
///     FAILED    -> QUEUED                                    resumed
///     CANCELLED -> QUEUED                                    resumed
///
/// SUCCEEDED is left by no job.
bool IsLegalTransition(v1::JobState from, v1::JobState to);

/// FAILED_PRECONDITION / JOB_STATE, metadata `job`, `state`, `wanted`. `name` is the job's.
absl::Status IllegalTransition(absl::string_view name, v1::JobState from, v1::JobState to);

/// IllegalTransition unless it is legal.
absl::Status CheckTransition(absl::string_view name, v1::JobState from, v1::JobState to);

/// Whether a job of this state has ended.
bool HasEnded(v1::JobState state);

/// "RUNNING".
absl::string_view ShortName(v1::JobState state);

}  // namespace dspex
