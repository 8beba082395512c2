#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/cli/session.h"

namespace dspex::cli {

/// A file that becomes a dataset, or its next version.
struct DatasetImport {
  /// "-": standard input.
  std::string file;
  std::string id;
  std::string program;
  std::string signature;
  std::vector<std::string> inputs;
  std::string id_key;
  std::string splits;
  std::optional<std::int64_t> seed;
  bool allow_other_fields = false;
  bool append = false;
  /// Print nothing of what was imported.
  bool quiet = false;
};

/// Sends the file's examples to the server, a part at a time. Returns the exit code; what went wrong is printed.
int ImportDataset(const Session& session, const DatasetImport& options);

}  // namespace dspex::cli
