#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <string>

#include "engine/lm/language_model.h"
#include "providers/wire/errors.h"
#include "providers/wire/json.h"

/// What a whole message and a stream of one have in common. Included by .cc files only.
namespace dspex::anthropic {

absl::Status Malformed(absl::string_view problem);

lm::FinishReason FinishReasonOf(std::string_view stop_reason);

/// The counts of tokens, which a stream tells bit by bit and cumulatively.
class Counts {
 public:
  void Read(simdjson::dom::object message);
  Usage usage() const;

 private:
  long long input_ = 0;
  long long cache_read_ = 0;
  long long cache_write_ = 0;
  long long output_ = 0;
  long long thinking_ = 0;
};

/// The block as JSON text; empty if it holds halves of surrogate pairs.
std::string TextOfBlock(simdjson::dom::object block);

/// What {"type":"error","error":{"type":...,"message":...}} says, and the HTTP status that its type stands for.
wire::ErrorBody ReadError(simdjson::dom::object event);
int StatusOfError(simdjson::dom::object event);

}  // namespace dspex::anthropic
