#include "tests/mock_llm/template.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>

#include <utility>
#include <vector>

#include "tests/mock_llm/in_context.h"
#include "tests/mock_llm/schema.h"

namespace dspex::mock_llm {
namespace {

constexpr absl::string_view kOpen = "[[ ## ";
constexpr absl::string_view kClose = " ## ]]";
constexpr absl::string_view kInContext = "{{in_context}}";

// A marker, and what its line says of it: the text up to the next one.
struct Marker {
  absl::string_view name;
  absl::string_view about;
};

// The markers of a line, in order.
std::vector<Marker> MarkersIn(absl::string_view line) {
  std::vector<Marker> markers;
  for (size_t at = line.find(kOpen); at != line.npos; at = line.find(kOpen, at)) {
    at += kOpen.size();
    const size_t end = line.find(kClose, at);
    if (end == line.npos) break;
    const absl::string_view about = line.substr(end + kClose.size());
    markers.push_back({line.substr(at, end - at), about.substr(0, about.find(kOpen))});
    at = end + kClose.size();
  }
  return markers;
}

// A marker on a line of its own opens an input; the line that names the last marker among others is the reminder.
bool IsReminder(const std::vector<Marker>& markers) { return markers.size() > 1 && markers.back().name == "completed"; }

// The first text of a Literal, if the line names one.
absl::string_view ValueOf(const Marker& marker) {
  static constexpr absl::string_view kLiteral = "Literal[";
  const size_t literal = marker.about.find(kLiteral);
  if (literal == marker.about.npos) return "mock";
  const absl::string_view value = marker.about.substr(literal + kLiteral.size());
  if (!absl::StartsWith(value, "'") && !absl::StartsWith(value, "\"")) return "mock";
  return value.substr(1, value.find(value.front(), 1) - 1);
}

// A completion in the section-marker format for the fields that a user message asks for; "mock" if it asks for none.
std::string AnswerFields(absl::string_view last_user) {
  std::vector<Marker> fields;
  for (absl::string_view line : absl::StrSplit(last_user, '\n')) {
    std::vector<Marker> markers = MarkersIn(line);
    if (IsReminder(markers)) fields = std::move(markers);
  }
  if (fields.empty()) return "mock";
  std::string text;
  for (const Marker& field : fields) {
    absl::StrAppend(&text, text.empty() ? "" : "\n\n", kOpen, field.name, kClose);
    if (field.name != "completed") absl::StrAppend(&text, "\n", ValueOf(field));
  }
  return text;
}

// A message as demonstrations are: they have no reminder, whose types may name every answer there is.
std::string WithoutReminder(absl::string_view message) {
  return absl::StrJoin(
      absl::StrSplit(message, '\n', [](absl::string_view line) { return !IsReminder(MarkersIn(line)); }), "\n");
}

std::string AnswerInContext(const ModelCall& call, absl::string_view otherwise) {
  const Demonstration* found = MostSimilar(call.demonstrations, WithoutReminder(call.last_user));
  return found == nullptr ? std::string(otherwise) : found->assistant;
}

}  // namespace

std::string FillTemplate(absl::string_view text, const ModelCall& call, int64_t sequence) {
  if (!absl::StrContains(text, "{{")) return std::string(text);
  const std::string fields = call.schema.empty() ? AnswerFields(call.last_user) : AnswerSchema(call.schema);
  const std::string in_context = absl::StrContains(text, kInContext) ? AnswerInContext(call, fields) : "";
  return absl::StrReplaceAll(text, {{"{{last_user}}", call.last_user},
                                    {"{{model}}", call.model},
                                    {"{{n}}", absl::StrCat(sequence)},
                                    {"{{fields}}", fields},
                                    {kInContext, in_context}});
}

}  // namespace dspex::mock_llm
