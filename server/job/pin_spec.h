#pragma once

#include <string>

#include "dspex/v1/optimizer_service.pb.h"
#include "engine/base/task.h"
#include "server/job/job_environment.h"

namespace dspex {

/// Checks what a job is asked for, as far as it can be known before it runs, and pins what it names: programs to
/// revisions, datasets to versions. Adds what it will take to `estimate`. INVALID_ARGUMENT with violations of the
/// spec's fields, the errors of reading programs and datasets and of building programs and metrics, FAILED_PRECONDITION
/// / UNKNOWN_PROVIDER. Arguments outlive the tasks.
StatusTask PinEvaluate(const JobEnvironment& environment, const std::string& tenant, v1::EvaluateSpec& spec,
                       v1::Estimate& estimate);
StatusTask PinCompile(const JobEnvironment& environment, const std::string& tenant, v1::CompileSpec& spec,
                      v1::Estimate& estimate);

}  // namespace dspex
