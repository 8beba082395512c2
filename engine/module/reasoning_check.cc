#include "engine/module/reasoning_check.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace dspex {

namespace {

constexpr int kMaxReference = 1'000'000;

bool IsWordByte(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || (c & 0x80) != 0 || c == '_'; }

std::size_t SkipSpaces(absl::string_view text, std::size_t position) {
  while (position < text.size() && absl::ascii_isspace(static_cast<unsigned char>(text[position]))) ++position;
  return position;
}

// Moves behind the word if it stands at `position`, alone.
bool TakeWord(absl::string_view text, std::size_t& position, absl::string_view word) {
  const std::size_t end = position + word.size();
  if (!absl::StartsWithIgnoreCase(text.substr(position), word)) return false;
  if (end < text.size() && IsWordByte(text[end])) return false;
  position = end;
  return true;
}

// Reads "5", "#5" or "five"; 0 if there is none.
int TakeReference(absl::string_view text, std::size_t& position) {
  std::size_t at = position;
  if (at < text.size() && text[at] == '#') ++at;
  int number = 0;
  const std::size_t digits = at;
  while (at < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[at]))) {
    number = std::min(kMaxReference, 10 * number + (text[at++] - '0'));
  }
  if (at > digits) {
    position = at;
    return number;
  }
  constexpr absl::string_view kWords[] = {"one", "two",   "three", "four", "five",
                                          "six", "seven", "eight", "nine", "ten"};
  for (const absl::string_view& word : kWords) {
    if (TakeWord(text, position, word)) return static_cast<int>(&word - kWords) + 1;
  }
  return 0;
}

bool TakeJoin(absl::string_view text, std::size_t& position) {
  std::size_t at = SkipSpaces(text, position);
  bool found = false;
  for (const absl::string_view sign : {",", "&", "-", "\u2013"}) {
    if (!found && absl::StartsWith(text.substr(at), sign)) {
      at += sign.size();
      found = true;
    }
  }
  at = SkipSpaces(text, at);
  for (const absl::string_view word : {"and", "or", "to", "through"}) {
    if (TakeWord(text, at, word)) {
      found = true;
      break;
    }
  }
  if (found) position = SkipSpaces(text, at);
  return found;
}

// The numbers of steps that the text refers to, ranges by their ends.
std::vector<int> References(absl::string_view text) {
  std::vector<int> references;
  for (std::size_t position = 0; position + 4 < text.size(); ++position) {
    if ((text[position] != 's' && text[position] != 'S') || (position > 0 && IsWordByte(text[position - 1]))) continue;
    std::size_t at = position;
    const bool is_plural = TakeWord(text, at, "steps");
    if (!is_plural && !TakeWord(text, at, "step")) continue;
    at = SkipSpaces(text, at);
    while (const int number = TakeReference(text, at)) {
      references.push_back(number);
      if (!is_plural || !TakeJoin(text, at)) break;
    }
    position = at - 1;
  }
  return references;
}

// The same for texts that differ in case, white space and marks at the ends only; empty if the text says nothing.
std::string Key(absl::string_view text) {
  std::string key;
  key.reserve(text.size());
  bool has_gap = false;
  for (const char c : text) {
    if (absl::ascii_isspace(static_cast<unsigned char>(c))) {
      has_gap = !key.empty();
      continue;
    }
    if (has_gap) key.push_back(' ');
    has_gap = false;
    key.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
  }
  const auto is_word = [](char c) { return IsWordByte(c); };
  key.erase(std::find_if(key.rbegin(), key.rend(), is_word).base(), key.end());
  key.erase(key.begin(), std::find_if(key.begin(), key.end(), is_word));
  return key;
}

class Checker {
 public:
  explicit Checker(const std::vector<ReasoningStep>& steps) : steps_(steps) { said_.reserve(steps.size()); }

  std::vector<ReasoningIssue> Check() {
    for (std::size_t i = 0; i < steps_.size(); ++i) CheckStep(i);
    return std::move(issues_);
  }

 private:
  struct Said {
    std::size_t hash;
    std::string key;
  };

  void CheckStep(std::size_t i) {
    std::string key = Key(steps_[i].text);
    const std::size_t hash = std::hash<std::string>()(key);
    // There are few steps; hashes keep long texts from being compared.
    const auto first = std::find_if(said_.begin(), said_.end(),
                                    [&](const Said& said) { return said.hash == hash && said.key == key; });
    if (key.empty()) {
      Add({ReasoningIssue::Kind::kEmptyStep, i, 0});
    } else if (first != said_.end()) {
      Add({ReasoningIssue::Kind::kRepeatedStep, i, static_cast<int>(first - said_.begin())});
    }
    said_.push_back({hash, std::move(key)});
    for (const int number : References(steps_[i].text)) {
      const std::optional<std::size_t> place = PlaceOf(number);
      if (!place.has_value()) {
        Add({ReasoningIssue::Kind::kMissingStep, i, number});
      } else if (*place > i) {
        Add({ReasoningIssue::Kind::kLaterStep, i, number});
      }
    }
  }

  // Where the first step of that number is.
  std::optional<std::size_t> PlaceOf(int number) {
    if (places_.empty()) {
      const bool is_numbered =
          std::any_of(steps_.begin(), steps_.end(), [](const auto& step) { return step.number > 0; });
      for (std::size_t i = 0; i < steps_.size(); ++i) {
        places_.emplace(is_numbered ? steps_[i].number : static_cast<int>(i) + 1, i);
      }
    }
    const auto place = places_.find(number);
    if (number == 0 || place == places_.end()) return std::nullopt;
    return place->second;
  }

  void Add(const ReasoningIssue& issue) {
    if (issues_.size() == kMaxReasoningIssues) return;
    if (std::find(issues_.begin(), issues_.end(), issue) == issues_.end()) issues_.push_back(issue);
  }

  const std::vector<ReasoningStep>& steps_;
  // Filled when a text refers to a step at all.
  absl::flat_hash_map<int, std::size_t> places_;
  std::vector<Said> said_;
  std::vector<ReasoningIssue> issues_;
};

}  // namespace

std::vector<ReasoningIssue> CheckReasoning(const std::vector<ReasoningStep>& steps) { return Checker(steps).Check(); }

}  // namespace dspex
