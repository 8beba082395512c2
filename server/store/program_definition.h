#pragma once

#include <string>

#include "dspex/v1/program.pb.h"

namespace dspex {

/// Removes what the server sets: what stays is the program's definition.
void ClearServerFields(v1::Program& program);

/// The definition in a form that is equal for equal definitions. Fields that this server does not know are kept.
std::string SerializeDefinition(const v1::Program& program);

/// The bytes of a message, equal for equal messages (the entries of maps are sorted).
std::string SerializeDeterministically(const google::protobuf::MessageLite& message);

}  // namespace dspex
