#pragma once

#include <absl/status/status.h>

#include <optional>
#include <string>

#include "dspex/v1/optimizer_service.grpc.pb.h"
#include "server/cli/session.h"

namespace dspex::cli {

/// Writes the results of an Evaluate as JUnit XML, which CI systems show: a case for each example, failed where its
/// prediction failed, and one for the whole, failed where the score is below `fail_under`.
absl::Status WriteJunit(const Session& session, v1::OptimizerService::Stub& stub, const v1::Job& job,
                        std::optional<double> fail_under, const std::string& path);

}  // namespace dspex::cli
