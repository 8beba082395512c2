#include "server/store/program_store.h"

#include <absl/strings/str_cat.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

absl::Status ProgramNotFound(absl::string_view id) {
  return Error(absl::StatusCode::kNotFound, reason::kProgramNotFound,
               absl::StrCat("There is no program programs/", id,
                            ". Create it with CreateProgram, or look for its name with ListPrograms."))
      .With("program", absl::StrCat("programs/", id));
}

absl::Status ProgramExists(absl::string_view id) {
  return Error(absl::StatusCode::kAlreadyExists, reason::kProgramExists,
               absl::StrCat("The program programs/", id,
                            " exists already. Change it with UpdateProgram, or choose another program_id."))
      .With("program", absl::StrCat("programs/", id));
}

absl::Status TooManyLabels(absl::string_view id) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               absl::StrCat("The program programs/", id, " has ", ProgramStore::kMaxLabels,
                            " labels, which is the limit. Remove one first, with revision 0."))
      .With("program", absl::StrCat("programs/", id))
      .Violation("label", "the program has too many labels");
}

absl::Status CheckEtag(const v1::Program& current, absl::string_view expected) {
  if (expected.empty() || expected == current.etag()) return absl::OkStatus();
  return Error(absl::StatusCode::kAborted, reason::kEtagMismatch,
               absl::StrCat("The program ", current.name(),
                            " has changed since it was read. Read it again, and repeat the change with its new etag."))
      .With("program", current.name())
      .With("etag", current.etag())
      .With("revision", current.revision());
}

}  // namespace dspex
