#include "tests/conformance/optimizers/scripted_model.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <variant>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/python_format.h"
#include "engine/random/python_random.h"

namespace dspex {

namespace {

// What scripted.py has.
const std::vector<std::string> kWords = {"red", "green", "blue", "a b", "1"};
const std::vector<std::string> kNumbers = {"0", "1", "2", "3"};
const std::vector<std::string> kProposals = {"Be brief.",
                                             "\"Be brief.\"",
                                             "  Think first.  ",
                                             "\"\"",
                                             "Name the colour.\n  Say no more.",
                                             "Answer:",
                                             "Be exact.",
                                             "Guess.",
                                             "Look twice.",
                                             "So:",
                                             "\"Think first.\"",
                                             "x"};

absl::string_view RoleName(lm::Role role) {
  return role == lm::Role::kSystem ? "system" : role == lm::Role::kUser ? "user" : "assistant";
}

std::string Key(const lm::Request& request, int sample) {
  std::string key;
  for (const auto* messages : {&request.prefix->messages(), &request.turns}) {
    for (const lm::Message& message : *messages) {
      absl::StrAppend(&key, RoleName(message.role), ":");
      for (const lm::Part& part : message.parts) key += std::get<lm::TextPart>(part).text;
      key += '\x1e';
    }
  }
  const lm::Options& options = *request.options;
  absl::StrAppend(&key, "|", options.temperature.has_value() ? PythonStr(*options.temperature) : "None", "|",
                  options.rollout_id.has_value() ? absl::StrCat(*options.rollout_id) : "None", "|", sample);
  return key;
}

// The outputs that the chat layout asks for at the end of a turn.
std::vector<std::string> Asked(absl::string_view text) {
  constexpr absl::string_view kBegin = "`[[ ## ";
  constexpr absl::string_view kEnd = " ## ]]`";
  std::vector<std::string> names;
  for (std::size_t at = text.find(kBegin); at != absl::string_view::npos; at = text.find(kBegin, at)) {
    at += kBegin.size();
    const std::size_t end = text.find(kEnd, at);
    if (end == absl::string_view::npos) break;
    names.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return names;
}

std::string Answer(const std::vector<std::string>& names, PythonRandom& random) {
  std::string answer;
  for (const std::string& name : names) {
    const bool is_end = name == "completed";
    const std::vector<std::string>& pool = absl::StartsWith(name, "proposed") ? kProposals
                                           : absl::StartsWith(name, "num")    ? kNumbers
                                                                              : kWords;
    absl::StrAppend(&answer, "[[ ## ", name, " ## ]]\n", is_end ? "" : random.Choice(pool), is_end ? "" : "\n\n");
  }
  return answer;
}

}  // namespace

std::uint32_t Crc32(absl::string_view text) {
  std::uint32_t crc = ~0U;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

ScriptedModel::ScriptedModel(const Json& script)
    : error_(script.at("error").get<double>()),
      garbage_(script.at("garbage").get<double>()),
      occurrences_(script.at("occurrences").get<bool>()) {}

Task<lm::Response> ScriptedModel::Generate(RequestContext context, const lm::Request& request) {
  std::string key = Key(request, context.sample());
  const int occurrence = seen_[Crc32(key)]++;
  if (occurrences_) absl::StrAppend(&key, "|", occurrence);
  const std::uint32_t digest = Crc32(key);
  calls.push_back(digest);
  PythonRandom random(digest);
  const double chance = random.Random();
  if (chance < error_) {
    co_return Error(absl::StatusCode::kInvalidArgument, reason::kProviderInvalidRequest, "The script says so.");
  }
  const std::vector<std::string> names = Asked(std::get<lm::TextPart>(request.turns.back().parts.back()).text);
  lm::Response response;
  response.completions.push_back({.text = names.empty() || chance < error_ + garbage_ ? "???" : Answer(names, random)});
  response.usage = {.input_tokens = 1, .output_tokens = 1, .lm_calls = 1};
  co_return response;
}

absl::StatusOr<lm::RenderedRequest> ScriptedModel::Render(const lm::Request& /*request*/) const {
  return lm::RenderedRequest{"scripted://model", ""};
}

}  // namespace dspex
