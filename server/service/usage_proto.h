#pragma once

#include "dspex/v1/values.pb.h"
#include "engine/base/context.h"

namespace dspex {

/// What calls consumed, as the API shows it.
void WriteUsage(const Usage& usage, v1::Usage& proto);

/// The reverse.
Usage ReadUsage(const v1::Usage& proto);

}  // namespace dspex
