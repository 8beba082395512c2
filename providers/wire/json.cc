#include "providers/wire/json.h"

#include <absl/strings/str_cat.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex::wire {

namespace {
constexpr std::size_t kMaxDepth = 64;
// No count of tokens is larger; sums of counts must stay within 64 bits.
constexpr std::int64_t kMaxCount = 1'000'000'000'000;
}  // namespace

namespace {

simdjson::error_code Parse(dom::parser& parser, std::string& body, dom::element& document) {
  const std::size_t size = body.size();
  body.reserve(size + simdjson::SIMDJSON_PADDING);
  const simdjson::error_code ec = parser.allocate(size, kMaxDepth);
  return ec == simdjson::SUCCESS ? parser.parse(body.data(), size, false).get(document) : ec;
}

}  // namespace

bool ParseDocument(dom::parser& parser, std::string& body, dom::element& document, std::string& problem,
                   SurrogateMender* mender) {
  simdjson::error_code ec = Parse(parser, body, document);
  // What servers get wrong, and parsers refuse.
  if (ec == simdjson::STRING_ERROR) {
    body = mender == nullptr ? SurrogateMender::MendWhole(body) : mender->MendEvent(body);
    ec = Parse(parser, body, document);
  }
  if (ec != simdjson::SUCCESS) problem = absl::StrCat("it is not valid JSON (", simdjson::error_message(ec), ")");
  return ec == simdjson::SUCCESS;
}

bool EventReader::Read(absl::string_view data, dom::object& object, std::string& problem) {
  data_.assign(data.data(), data.size());
  dom::element document;
  if (!ParseDocument(parser_, data_, document, problem, &mender_)) return false;
  if (document.get(object) == simdjson::SUCCESS) return true;
  problem = "an event is not a JSON object";
  return false;
}

bool AppendText(dom::element element, std::string& text) {
  std::string_view view;
  if (element.get(view) != simdjson::SUCCESS || !simdjson::validate_utf8(view.data(), view.size())) return false;
  text.append(view.data(), view.size());
  return true;
}

std::string OptionalText(dom::object object, std::string_view key) {
  dom::element element;
  std::string text;
  if (object.at_key(key).get(element) == simdjson::SUCCESS) AppendText(element, text);
  return text;
}

long long OptionalCount(dom::object object, std::string_view key) {
  std::int64_t count = 0;
  if (object.at_key(key).get(count) != simdjson::SUCCESS || count < 0 || count > kMaxCount) return 0;
  return count;
}

absl::Status Malformed(absl::string_view what, absl::string_view problem) {
  return Error(absl::StatusCode::kInternal, reason::kProviderMalformed,
               absl::StrCat("The provider's response is not ", what, ": ", problem,
                            ". Check that base_url leads to an API of the provider's kind, and try again."));
}

}  // namespace dspex::wire
