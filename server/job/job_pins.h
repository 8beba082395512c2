#pragma once

#include <absl/strings/string_view.h>

#include "dspex/v1/job.pb.h"
#include "providers/price_table.h"

namespace dspex {

/// What a job keeps of the configuration.
v1::JobPins MakePins(absl::string_view default_lm, const PriceTable& prices);

/// The prices that a job keeps.
PriceTable ReadPrices(const v1::JobPins& pins);

}  // namespace dspex
