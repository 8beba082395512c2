#include "server/config/config.h"

#include <absl/strings/str_cat.h>

#include <cstdlib>

#include "server/config/proto_from_yaml.h"
#include "server/config/read_file.h"
#include "server/config/yaml_document.h"

namespace dspex {

Environment ProcessEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

absl::StatusOr<config::v1::Config> ReadConfig(absl::string_view text, absl::string_view file) {
  const absl::StatusOr<YamlNode> document = ParseYaml(text, file);
  if (!document.ok()) return document.status();
  config::v1::Config config;
  if (absl::Status status = ReadMessage(*document, file, config); !status.ok()) return status;
  return config;
}

absl::StatusOr<config::v1::Config> ReadConfigFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return absl::InvalidArgumentError(absl::StrCat(text.status().message(), ". Check --config."));
  return ReadConfig(*text, path);
}

}  // namespace dspex
