#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

namespace dspex::cli {

/// Renders each probe, a JSON line {"program", "inputs_json", "messages", "response_format"} of what DSPy sends, with
/// the engine of this process and the phrasebook. INVALID_ARGUMENT tells the first probe that does not come out the
/// same: such a phrasebook does not have DSPy's wording right.
absl::Status CheckPhrasebook(absl::string_view phrasebook_name, absl::string_view phrasebook_json,
                             absl::string_view probes);

}  // namespace dspex::cli
