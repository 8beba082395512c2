#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "dspex/v1/job.pb.h"
#include "server/cli/session.h"

namespace dspex::cli {

/// The examples that a command line names: a dataset "NAME", "NAME@VERSION" or "NAME:SPLIT" (also
/// "NAME@VERSION:SPLIT"), or a file "FILE.jsonl" or "FILE.csv", which becomes a dataset first, checked against the
/// program and named after the file and its contents, so that the same file is imported once.
absl::StatusOr<v1::ExampleSet> ReadExampleSet(const Session& session, const std::string& text,
                                              const std::string& program);

}  // namespace dspex::cli
