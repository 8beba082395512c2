#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>
#include <vector>

namespace dspex {

struct YamlEntry;

/// One value of a YAML text with the place where it stands.
struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  /// Both from 1.
  int line = 1;
  int column = 1;
  /// Of a scalar: its text, and whether it stood in quotes (or a block), so that it can only be a string.
  std::string text;
  bool quoted = false;
  /// Of a sequence.
  std::vector<YamlNode> items;
  /// Of a map, in the order of the text; keys are unique.
  std::vector<YamlEntry> entries;
};

struct YamlEntry {
  std::string key;
  int line = 1;
  int column = 1;
  YamlNode value;
};

/// An INVALID_ARGUMENT "FILE:LINE:COLUMN: message", as compilers write it.
absl::Status YamlError(absl::string_view file, int line, int column, absl::string_view message);

/// Reads one YAML document of plain data. Refused, with the place: texts over 1 MiB, more than 32 levels, a second
/// document, anchors, aliases and tags, keys that are not scalars, duplicate keys. `file` is named in errors. An empty
/// text is a null.
absl::StatusOr<YamlNode> ParseYaml(absl::string_view text, absl::string_view file);

}  // namespace dspex
