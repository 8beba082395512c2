#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <simdjson.h>

#include <cstddef>
#include <string>

#include "providers/wire/surrogates.h"

/// What the decoders of providers' JSON share. Included by .cc files only: the parser's header is large.
namespace dspex::wire {

namespace dom = simdjson::dom;

/// Nobody asks for more than a few completions or tool calls; more would be memory for nothing.
inline constexpr std::size_t kMaxItems = 1000;

/// Reads a whole text, which is consumed (its tail is used as room for the parser). The document lives as long as the
/// parser. On failure `problem` says why. DOM: it checks the whole text, so that what is read from it is sound, and its
/// scanning is chosen for the processor at run time. Halves of surrogate pairs are mended, in a stream by its `mender`.
bool ParseDocument(dom::parser& parser, std::string& body, dom::element& document, std::string& problem,
                   SurrogateMender* mender = nullptr);

/// Reads the data of a stream's events, each a JSON object. An object lives until the next one is read.
class EventReader {
 public:
  /// On failure `problem` says why.
  bool Read(absl::string_view data, dom::object& object, std::string& problem);

 private:
  dom::parser parser_;
  SurrogateMender mender_;
  std::string data_;
};

/// Appends a string; false if it is none, or not valid UTF-8 (\u escapes may give halves of surrogate pairs).
bool AppendText(dom::element element, std::string& text);

/// Fields that matter to nobody if they are not as they should be: empty or zero then.
std::string OptionalText(dom::object object, std::string_view key);
long long OptionalCount(dom::object object, std::string_view key);

/// INTERNAL / PROVIDER_MALFORMED_RESPONSE. `what` is what the response is not: "a chat completion".
absl::Status Malformed(absl::string_view what, absl::string_view problem);

}  // namespace dspex::wire
