#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include "server/config/yaml_document.h"

namespace dspex {

/// Fills `message` from a YAML map by the names of its fields: nested messages and maps as maps, repeated fields as
/// sequences, enums by the short lower-case name ("openai" for PROVIDER_KIND_OPENAI), google.protobuf.Duration as
/// "250ms" or "1m30s". An unknown key, a value of another type and a value that says nothing (no text, and 0 for a
/// number whose 0 means the default) are INVALID_ARGUMENT, "FILE:LINE:COLUMN: what is wrong and what to do".
absl::Status ReadMessage(const YamlNode& node, absl::string_view file, google::protobuf::Message& message);

/// Reads "30s", "250ms", "1m30s", "1.5h". Not negative, at most a day.
absl::StatusOr<google::protobuf::Duration> ParseDuration(absl::string_view text);

}  // namespace dspex
