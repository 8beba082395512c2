#pragma once

#include <absl/strings/string_view.h>

#include <string>

namespace dspex::wire {

/// Mends JSON whose \u escapes are halves of surrogate pairs, as servers write that cut texts between UTF-16 units. A
/// half without its other half becomes U+FFFD; within a stream, one that ends a text is kept for the text that goes on.
class SurrogateMender {
 public:
  /// The JSON with sound escapes; everything else is as it was.
  std::string MendEvent(absl::string_view json) { return Mend(json, true); }
  static std::string MendWhole(absl::string_view json) { return SurrogateMender().Mend(json, false); }

 private:
  std::string Mend(absl::string_view json, bool goes_on);

  /// The escape of a first half that ended a text.
  std::string kept_;
};

}  // namespace dspex::wire
