#pragma once

#include <absl/status/statusor.h>

#include "dspex/v1/program.pb.h"
#include "google/protobuf/field_mask.pb.h"

namespace dspex {

/// INVALID_ARGUMENT / INVALID_REQUEST, metadata `path` and a violation of `update_mask`, for a path that names no field
/// of a program or lies within one. Fields that the server sets may be named and are not changed.
absl::Status CheckUpdateMask(const google::protobuf::FieldMask& mask);

/// Whether the mask takes all that a client sets: it is empty or "*".
bool IsWholeUpdate(const google::protobuf::FieldMask& mask);

/// `current` with the fields of `mask` out of `update`; the mask is one that CheckUpdateMask passes.
v1::Program ApplyUpdate(const v1::Program& current, const v1::Program& update, const google::protobuf::FieldMask& mask);

}  // namespace dspex
