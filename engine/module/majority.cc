#include "engine/module/majority.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <string>

#include "engine/json/json.h"
#include "engine/json/python_format.h"
#include "engine/metric/normalize.h"

namespace dspex {

namespace {

// What a value counts as; empty if it does not count.
std::string Ballot(const Json& outputs, const std::string& field) {
  const auto value = outputs.find(field);
  if (value == outputs.end() || value->is_null()) return "";
  if (value->is_string()) return NormalizeText(value->get_ref<const std::string&>());
  // No normalised text begins with punctuation, so this is the ballot of no text.
  return absl::StrCat("=", PythonStr(*value));
}

}  // namespace

std::size_t MajorityIndex(const std::vector<Answer>& answers, absl::string_view field) {
  struct Votes {
    std::size_t first;
    std::size_t count;
  };
  const std::string name(field);
  absl::flat_hash_map<std::string, Votes> votes;
  std::size_t winner = 0;
  std::size_t most = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    std::string ballot = Ballot(answers[i].outputs, name);
    if (ballot.empty()) continue;
    Votes& vote = votes.try_emplace(std::move(ballot), Votes{i, 0}).first->second;
    ++vote.count;
  }
  for (const auto& [ballot, vote] : votes) {
    if (vote.count > most || (vote.count == most && vote.first < winner)) {
      most = vote.count;
      winner = vote.first;
    }
  }
  return winner;
}

}  // namespace dspex
