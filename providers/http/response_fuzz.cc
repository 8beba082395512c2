// What a peer may send, in whatever pieces: the parser ends, stays within its limits and gives the same result as for
// the whole at once.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "providers/http/response_parser.h"

namespace {

using dspex::http::Response;
using dspex::http::ResponseParser;

constexpr std::uint64_t kMaxBody = 1000;

struct Outcome {
  bool done = false;
  bool failed = false;
  Response response;
  std::size_t used = 0;
};

// As a connection does it: reads are appended to what was not used up, then the stream ends.
Outcome Feed(const std::string& bytes, std::size_t piece) {
  ResponseParser parser(kMaxBody);
  boost::system::error_code ec;
  std::string buffer;
  Outcome outcome;
  for (std::size_t at = 0; at < bytes.size() && !parser.done(); at += piece) {
    buffer += bytes.substr(at, piece);
    const std::size_t used = parser.Put(buffer.data(), buffer.size(), ec);
    if (used > buffer.size()) std::abort();
    buffer.erase(0, used);
    outcome.used += used;
    if (ec) break;
    if (buffer.size() > ResponseParser::kMaxHeaderBytes + piece) std::abort();
  }
  if (!ec && !parser.done()) parser.PutEof(ec);
  outcome.failed = static_cast<bool>(ec);
  outcome.done = parser.done();
  if (outcome.done == outcome.failed) std::abort();
  if (outcome.done) outcome.response = parser.Take();
  if (outcome.response.body.size() > kMaxBody) std::abort();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0];
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = Feed(bytes, bytes.size() + 1);
  const Outcome pieces = Feed(bytes, piece);
  if (whole.done != pieces.done) std::abort();
  if (whole.done && (whole.response.status != pieces.response.status || whole.response.body != pieces.response.body ||
                     whole.response.headers.Get("content-type") != pieces.response.headers.Get("content-type"))) {
    std::abort();
  }
  return 0;
}
