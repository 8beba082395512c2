#include "server/service/program_update.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <iterator>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/store/program_definition.h"

namespace dspex {

namespace {

constexpr absl::string_view kFields[] = {"lm",      "modules", "steps",      "outputs",    "description",
                                         "timeout", "adapter", "phrasebook", "validation", "saved_state"};
constexpr absl::string_view kServerFields[] = {"name",        "revision",    "etag",   "labels",
                                               "create_time", "update_time", "lineage"};

template <std::size_t size>
bool Contains(const absl::string_view (&names)[size], absl::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

bool IsWholeUpdate(const google::protobuf::FieldMask& mask) {
  return mask.paths().empty() || (mask.paths_size() == 1 && mask.paths(0) == "*");
}

absl::Status CheckUpdateMask(const google::protobuf::FieldMask& mask) {
  if (IsWholeUpdate(mask)) return absl::OkStatus();
  for (const std::string& path : mask.paths()) {
    if (Contains(kFields, path) || Contains(kServerFields, path)) continue;
    const absl::string_view shown = absl::string_view(path).substr(0, 200);
    return Error(
               absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               absl::StrCat("The update_mask's path \"", shown, "\" is no field that can be updated. Name some of lm, ",
                            "modules, steps, outputs, description, timeout, adapter, phrasebook, validation and "
                            "saved_state, or \"*\" alone for all of them."))
        .With("path", shown)
        .Violation("update_mask", absl::StrCat("unknown path \"", shown, "\""));
  }
  return absl::OkStatus();
}

v1::Program ApplyUpdate(const v1::Program& current, const v1::Program& update,
                        const google::protobuf::FieldMask& mask) {
  v1::Program result = IsWholeUpdate(mask) ? update : current;
  ClearServerFields(result);
  if (IsWholeUpdate(mask)) return result;
  for (const std::string& path : mask.paths()) {
    if (path == "lm") result.set_lm(update.lm());
    if (path == "modules") *result.mutable_modules() = update.modules();
    if (path == "steps") *result.mutable_steps() = update.steps();
    if (path == "outputs") *result.mutable_outputs() = update.outputs();
    if (path == "description") result.set_description(update.description());
    if (path == "adapter") *result.mutable_adapter() = update.adapter();
    if (path == "phrasebook") result.set_phrasebook(update.phrasebook());
    if (path == "validation") result.set_validation(update.validation());
    if (path == "saved_state") *result.mutable_saved_state() = update.saved_state();
    if (path == "timeout") {
      result.clear_timeout();
      if (update.has_timeout()) *result.mutable_timeout() = update.timeout();
    }
  }
  return result;
}

}  // namespace dspex
