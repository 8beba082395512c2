#include "server/job/job_state.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {
namespace {

using enum v1::JobState;

TEST(JobStateTest, TheseTransitionsAndNoOthersAreLegal) {
  // As proto/dspex/v1/job.proto tells users.
  const std::set<std::pair<v1::JobState, v1::JobState>> legal = {
      {JOB_STATE_QUEUED, JOB_STATE_RUNNING},    {JOB_STATE_QUEUED, JOB_STATE_CANCELLED},
      {JOB_STATE_RUNNING, JOB_STATE_WAITING},   {JOB_STATE_WAITING, JOB_STATE_RUNNING},
      {JOB_STATE_RUNNING, JOB_STATE_QUEUED},    {JOB_STATE_WAITING, JOB_STATE_QUEUED},
      {JOB_STATE_RUNNING, JOB_STATE_SUCCEEDED}, {JOB_STATE_WAITING, JOB_STATE_SUCCEEDED},
      {JOB_STATE_RUNNING, JOB_STATE_FAILED},    {JOB_STATE_WAITING, JOB_STATE_FAILED},
      {JOB_STATE_RUNNING, JOB_STATE_CANCELLED}, {JOB_STATE_WAITING, JOB_STATE_CANCELLED},
      {JOB_STATE_FAILED, JOB_STATE_QUEUED},     {JOB_STATE_CANCELLED, JOB_STATE_QUEUED},
  };
  for (int from = v1::JobState_MIN; from <= v1::JobState_MAX; ++from) {
    for (int to = v1::JobState_MIN; to <= v1::JobState_MAX; ++to) {
      const auto a = static_cast<v1::JobState>(from);
      const auto b = static_cast<v1::JobState>(to);
      EXPECT_EQ(IsLegalTransition(a, b), legal.contains({a, b})) << ShortName(a) << " -> " << ShortName(b);
    }
  }
}

TEST(JobStateTest, AnIllegalTransitionSaysFromWhereToWhere) {
  const absl::Status refused = CheckTransition("jobs/j1", JOB_STATE_SUCCEEDED, JOB_STATE_QUEUED);
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(refused), reason::kJobState);
  EXPECT_EQ(ErrorMetadata(refused, "job"), "jobs/j1");
  EXPECT_EQ(ErrorMetadata(refused, "state"), "SUCCEEDED");
  EXPECT_EQ(ErrorMetadata(refused, "wanted"), "QUEUED");
}

}  // namespace
}  // namespace dspex
