#include "server/job/job_store.h"

#include <absl/strings/str_cat.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

absl::Status JobNotFound(absl::string_view id) {
  return Error(absl::StatusCode::kNotFound, reason::kJobNotFound,
               absl::StrCat("There is no job jobs/", id, ". Look for its name with ListJobs."))
      .With("job", absl::StrCat("jobs/", id));
}

absl::Status JobLost(absl::string_view id) {
  return Error(absl::StatusCode::kAborted, reason::kJobLost,
               absl::StrCat("The job jobs/", id,
                            " has been claimed by somebody else, or has ended, since it was claimed here. Stop it."))
      .With("job", absl::StrCat("jobs/", id));
}

}  // namespace dspex
