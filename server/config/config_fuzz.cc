#include <cstddef>
#include <cstdint>

#include "server/config/config.h"

// Any text is a configuration or an error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto config = dspex::ReadConfig({reinterpret_cast<const char*>(data), size}, "fuzz.yaml");
  if (config.ok()) {
    dspex::ApplyDefaults(*config);
    dspex::Validate(*config).IgnoreError();
  }
  return 0;
}
