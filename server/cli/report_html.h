#pragma once

#include <absl/status/status.h>

#include <string>

#include "dspex/v1/job.pb.h"
#include "server/cli/session.h"

namespace dspex::cli {

/// Writes a self-contained page about a job: the curve of scores, candidates, what changed example by example, and the
/// difference of the prompts. Nothing is loaded from elsewhere.
absl::Status WriteHtmlReport(const Session& session, const v1::Job& job, const std::string& path);

}  // namespace dspex::cli
