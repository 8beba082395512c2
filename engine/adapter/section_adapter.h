#pragma once

#include <string>
#include <vector>

#include "engine/adapter/adapter_base.h"

namespace dspex {

/// A layout whose questions are sections with markers, "[[ ## field ## ]]".
class SectionAdapter : public AdapterBase {
 public:
  using AdapterBase::AdapterBase;

 protected:
  absl::Status AppendInputs(const Fields& fields, const Json& values, Content& out) const override;

  /// Appends a blank line and the section's marker.
  static void AppendSectionHead(Content& out, absl::string_view name);

  /// The sections that stand for values in the pattern.
  std::string Pattern(const std::vector<Field>& fields, bool output) const;
};

/// A layout whose answers are JSON objects.
class JsonObjectAdapter : public SectionAdapter {
 public:
  explicit JsonObjectAdapter(AdapterParts parts);

  absl::StatusOr<Json> Parse(absl::string_view text) const override;
  std::unique_ptr<CompletionReader> NewReader() const override { return MakeJsonReader(signature().outputs()); }

 protected:
  absl::StatusOr<std::string> System() const override;
  absl::StatusOr<std::string> Answer(const Fields& fields, const Json& values,
                                     const std::string* missing) const override;
};

/// The first "{...}" in the text whose braces balance, as a regular expression finds it that knows no strings; empty if
/// there is none. Linear in time.
absl::string_view FirstBalancedBraces(absl::string_view text);

}  // namespace dspex
