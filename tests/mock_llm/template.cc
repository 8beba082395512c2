#include "tests/mock_llm/template.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>

#include <vector>

#include "tests/mock_llm/schema.h"

namespace dspex::mock_llm {
namespace {

constexpr absl::string_view kOpen = "[[ ## ";
constexpr absl::string_view kClose = " ## ]]";

// The names in the markers of a line, in order.
std::vector<absl::string_view> MarkersIn(absl::string_view line) {
  std::vector<absl::string_view> names;
  for (size_t at = line.find(kOpen); at != line.npos; at = line.find(kOpen, at)) {
    at += kOpen.size();
    const size_t end = line.find(kClose, at);
    if (end == line.npos) break;
    names.push_back(line.substr(at, end - at));
    at = end + kClose.size();
  }
  return names;
}

// A completion in the section-marker format for the fields that a user message asks for; "mock" if it asks for none.
std::string AnswerFields(absl::string_view last_user) {
  std::vector<absl::string_view> names;
  for (absl::string_view line : absl::StrSplit(last_user, '\n')) {
    std::vector<absl::string_view> markers = MarkersIn(line);
    // A marker on a line of its own opens an input; the line that names the last marker among others is the reminder.
    if (markers.size() > 1 && markers.back() == "completed") names = std::move(markers);
  }
  if (names.empty()) return "mock";
  std::string text;
  for (absl::string_view name : names) {
    absl::StrAppend(&text, text.empty() ? "" : "\n\n", kOpen, name, kClose, name == "completed" ? "" : "\nmock");
  }
  return text;
}

}  // namespace

std::string FillTemplate(absl::string_view text, const ModelCall& call, int64_t sequence) {
  if (!absl::StrContains(text, "{{")) return std::string(text);
  return absl::StrReplaceAll(
      text, {{"{{last_user}}", call.last_user},
             {"{{model}}", call.model},
             {"{{n}}", absl::StrCat(sequence)},
             {"{{fields}}", call.schema.empty() ? AnswerFields(call.last_user) : AnswerSchema(call.schema)}});
}

}  // namespace dspex::mock_llm
