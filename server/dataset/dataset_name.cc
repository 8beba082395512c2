#include "server/dataset/dataset_name.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/program/resource_name.h"

namespace dspex {

namespace {

constexpr std::size_t kMaxShown = 200;

absl::Status Malformed(absl::string_view name, absl::string_view field, absl::string_view form) {
  const absl::string_view shown = name.substr(0, kMaxShown);
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               absl::StrCat("The name \"", shown, "\" is not that of a dataset. Write it as ", form, "."))
      .With("dataset", shown)
      .Violation(field, absl::StrCat("must have the form ", form));
}

}  // namespace

absl::StatusOr<DatasetName> ParseDatasetName(absl::string_view name, absl::string_view field) {
  constexpr absl::string_view kForm = "\"datasets/{dataset}\" or \"datasets/{dataset}@{version}\"";
  absl::string_view id = name;
  if (!absl::ConsumePrefix(&id, "datasets/")) return Malformed(name, field, kForm);
  const std::size_t at = id.find('@');
  DatasetName result{std::string(id.substr(0, at)), 0};
  if (!IsProgramId(result.id)) return Malformed(name, field, kForm);
  if (at == absl::string_view::npos) return result;
  // One name for one version: no sign, no leading zero.
  const absl::string_view version = id.substr(at + 1);
  if (!absl::SimpleAtoi(version, &result.version) || result.version < 1 || absl::StrCat(result.version) != version) {
    return Malformed(name, field, kForm);
  }
  return result;
}

absl::StatusOr<std::string> ParseWholeDatasetName(absl::string_view name, absl::string_view field) {
  absl::StatusOr<DatasetName> parsed = ParseDatasetName(name, field);
  if (!parsed.ok() || parsed->version != 0) return Malformed(name, field, "\"datasets/{dataset}\", without a version");
  return std::move(parsed->id);
}

}  // namespace dspex
