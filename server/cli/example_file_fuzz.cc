#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/json/json.h"
#include "server/cli/example_file.h"

// Any bytes are examples or an error; a row of CSV is a JSON object.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using dspex::cli::ExampleFile;
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const ExampleFile::Format format : {ExampleFile::Format::kCsv, ExampleFile::Format::kJsonLines}) {
    std::istringstream input(text);
    ExampleFile file(input, "fuzz", format);
    while (true) {
      const auto example = file.Next();
      if (!example.ok() || !example->has_value()) break;
      if (format != ExampleFile::Format::kCsv) continue;
      const auto fields = dspex::ParseJson((*example)->fields_json);
      if (!fields.ok() || !fields->is_object()) std::abort();
    }
  }
  return 0;
}
