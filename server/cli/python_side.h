#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

namespace dspex::cli {

/// Runs the Python package that speaks to DSPy (python_worker/dspex_dspy), which this binary carries, with an
/// interpreter that has DSPy installed: `python`, or if that is empty the active virtual environment's, else python3.
/// The current folder is where modules are imported from. Its standard error is this process's. Returns what it
/// printed; FAILED_PRECONDITION if there is no such interpreter or it ended with an error, of which it has told then.
absl::StatusOr<std::string> RunPythonSide(const std::string& python, const std::vector<std::string>& arguments);

}  // namespace dspex::cli
