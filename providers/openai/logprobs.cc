#include "providers/openai/logprobs.h"

#include <string>
#include <utility>

namespace dspex::openai {

namespace {

namespace dom = simdjson::dom;

std::optional<std::string> BytesOf(dom::object entry) {
  dom::array numbers;
  if (entry.at_key("bytes").get(numbers) != simdjson::SUCCESS) return std::nullopt;
  std::string bytes;
  for (const dom::element element : numbers) {
    std::uint64_t number = 0;
    if (element.get(number) != simdjson::SUCCESS || number > 0xFF) return std::nullopt;
    bytes += static_cast<char>(number);
  }
  return bytes;
}

bool ReadToken(dom::object entry, lm::ScoredToken& token) {
  dom::element text;
  if (entry.at_key("token").get(text) != simdjson::SUCCESS || !wire::AppendText(text, token.token)) return false;
  if (entry.at_key("logprob").get(token.logprob) != simdjson::SUCCESS) return false;
  token.bytes = BytesOf(entry);
  return true;
}

}  // namespace

void AppendLogprobs(dom::object object, std::string_view key, std::vector<lm::TokenLogprob>& logprobs) {
  dom::array entries;
  if (object.at_key(key).get(entries) != simdjson::SUCCESS) return;
  for (const dom::element element : entries) {
    dom::object entry;
    lm::TokenLogprob logprob;
    if (element.get(entry) != simdjson::SUCCESS || !ReadToken(entry, logprob.chosen)) continue;
    dom::array others;
    if (entry.at_key("top_logprobs").get(others) == simdjson::SUCCESS) {
      for (const dom::element other : others) {
        dom::object one;
        lm::ScoredToken token;
        if (other.get(one) == simdjson::SUCCESS && ReadToken(one, token)) logprob.top.push_back(std::move(token));
      }
    }
    logprobs.push_back(std::move(logprob));
  }
}

}  // namespace dspex::openai
