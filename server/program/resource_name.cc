#include "server/program/resource_name.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

namespace {

constexpr absl::string_view kCollection = "programs/";
constexpr std::size_t kMaxId = 63;

// A name that is much too long is not repeated in the error.
absl::string_view Shown(absl::string_view name) { return name.substr(0, 200); }

absl::Status Malformed(absl::string_view name, absl::string_view field, absl::string_view form) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               absl::StrCat("The name \"", Shown(name), "\" is not that of a program. Write it as ", form, "."))
      .With("program", Shown(name))
      .Violation(field, absl::StrCat("must have the form ", form));
}

}  // namespace

bool IsProgramId(absl::string_view id) {
  return !id.empty() && id.size() <= kMaxId && absl::ascii_islower(static_cast<unsigned char>(id.front())) &&
         std::all_of(id.begin(), id.end(),
                     [](unsigned char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-'; });
}

std::optional<ProgramNameParts> SplitProgramName(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, kCollection)) return std::nullopt;
  const std::size_t at = name.find('@');
  if (at == absl::string_view::npos) return ProgramNameParts{name, ""};
  // "programs/qa@" is no name of the newest revision.
  if (at + 1 == name.size()) return std::nullopt;
  return ProgramNameParts{name.substr(0, at), name.substr(at + 1)};
}

absl::StatusOr<ProgramName> ParseProgramName(absl::string_view name, absl::string_view field) {
  constexpr absl::string_view kForm = "\"programs/{program}\" or \"programs/{program}@{revision or label}\"";
  const std::optional<ProgramNameParts> parts = SplitProgramName(name);
  if (!parts.has_value() || !IsProgramId(parts->id)) return Malformed(name, field, kForm);
  ProgramName result{std::string(parts->id), {}};
  if (parts->selector.empty()) return result;
  if (IsProgramId(parts->selector)) {
    result.selector.label = std::string(parts->selector);
    return result;
  }
  // One name for one revision: no sign, no leading zero.
  std::int64_t revision = 0;
  if (!absl::SimpleAtoi(parts->selector, &revision) || revision < 1 || absl::StrCat(revision) != parts->selector) {
    return Malformed(name, field, kForm);
  }
  result.selector.revision = revision;
  return result;
}

absl::StatusOr<std::string> ParseWholeProgramName(absl::string_view name, absl::string_view field) {
  const std::optional<ProgramNameParts> parts = SplitProgramName(name);
  if (!parts.has_value() || !parts->selector.empty() || !IsProgramId(parts->id)) {
    return Malformed(name, field, "\"programs/{program}\", without a revision");
  }
  return std::string(parts->id);
}

}  // namespace dspex
