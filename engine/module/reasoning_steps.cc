#include "engine/module/reasoning_steps.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/module/reasoning_check.h"
#include "engine/module/reasoning_marks.h"

namespace dspex {

namespace {

using Kind = ReasoningMark::Kind;

// Where lines and paragraphs begin, white space skipped, and the marks of lines.
struct Layout {
  std::vector<std::size_t> lines;
  std::vector<std::size_t> paragraphs;
  std::vector<ReasoningMark> marks;
};

Layout ReadLayout(absl::string_view text) {
  Layout layout;
  bool was_blank = true;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = text.find('\n', begin);
    if (end == absl::string_view::npos) end = text.size();
    const absl::string_view line = text.substr(begin, end - begin);
    const absl::string_view stripped = absl::StripAsciiWhitespace(line);
    if (!stripped.empty()) {
      const auto start = begin + static_cast<std::size_t>(stripped.data() - line.data());
      layout.lines.push_back(start);
      if (was_blank) layout.paragraphs.push_back(start);
      const std::size_t line_end = start + stripped.size();
      if (const auto mark = MarkOfLine(text, begin, line_end)) layout.marks.push_back(*mark);
    }
    was_blank = stripped.empty();
    begin = end + 1;
  }
  return layout;
}

// The marks of one kind that are not within another one's item.
std::vector<ReasoningMark> OuterMarks(const std::vector<ReasoningMark>& marks, Kind kind) {
  std::vector<ReasoningMark> outer;
  std::size_t least = std::string::npos;
  for (const ReasoningMark& mark : marks) {
    if (mark.kind == kind) least = std::min(least, mark.indent);
  }
  for (const ReasoningMark& mark : marks) {
    if (mark.kind == kind && mark.indent <= least + 1) outer.push_back(mark);
  }
  return outer;
}

// Whether numbers at the beginnings of lines are those of a list, not just numbers.
bool IsCounting(const std::vector<ReasoningMark>& marks) {
  if (marks.size() < 2) return false;
  return marks[0].number <= 1 || marks[1].number == marks[0].number + 1;
}

// The marks that divide the text, if there are any.
std::vector<ReasoningMark> ChooseMarks(absl::string_view text, const Layout& layout) {
  const auto begins_text = [&](const std::vector<ReasoningMark>& marks) {
    return !marks.empty() && marks.front().begin == layout.lines.front();
  };
  std::vector<ReasoningMark> by_word = OuterMarks(layout.marks, Kind::kStepWord);
  std::vector<ReasoningMark> by_number = OuterMarks(layout.marks, Kind::kNumber);
  std::vector<ReasoningMark> counting = CountingMarks(text);
  // "Step 1: ... Step 2: ..." in one line has one mark at its beginning.
  if (by_word.size() >= 2 || (begins_text(by_word) && counting.empty())) return by_word;
  if (IsCounting(by_number)) return by_number;
  if (!counting.empty()) return counting;
  if (begins_text(by_number) && by_number.front().number == 1) return by_number;
  std::vector<ReasoningMark> bullets = OuterMarks(layout.marks, Kind::kBullet);
  if (bullets.size() < 2) bullets.clear();
  return bullets;
}

class Builder {
 public:
  explicit Builder(absl::string_view text) : text_(text) {}

  // A step from its mark to `end`.
  void AddMarked(const ReasoningMark& mark, std::size_t end) {
    std::string text(absl::StripAsciiWhitespace(text_.substr(mark.end, end - mark.end)));
    if (mark.is_emphasised) {
      const std::size_t close = absl::string_view(text).find(text_.substr(text_.find_first_of("*_", mark.begin), 2));
      if (close != std::string::npos) text.erase(close, 2);
    }
    Add(std::move(text), mark.number, mark.begin, end);
  }

  // Steps that begin at these positions.
  void AddPlain(const std::vector<std::size_t>& starts) {
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const bool is_last = i + 1 == starts.size() || IsFull();
      const std::size_t end = is_last ? text_.size() : starts[i + 1];
      Add(std::string(absl::StripAsciiWhitespace(text_.substr(starts[i], end - starts[i]))), 0, starts[i], end);
      if (is_last) {
        if (i + 1 < starts.size()) is_cut_ = true;
        return;
      }
    }
  }

  // The next step is the last one.
  bool IsFull() const { return reasoning_.steps.size() + 1 == kMaxReasoningSteps; }
  void Cut() { is_cut_ = true; }

  Reasoning Take() {
    reasoning_.issues = CheckReasoning(reasoning_.steps);
    if (is_cut_) {
      if (reasoning_.issues.size() == kMaxReasoningIssues) reasoning_.issues.pop_back();
      reasoning_.issues.push_back({ReasoningIssue::Kind::kTooManySteps, reasoning_.steps.size() - 1, 0});
    }
    return std::move(reasoning_);
  }

 private:
  void Add(std::string text, int number, std::size_t begin, std::size_t end) {
    while (end > begin && absl::ascii_isspace(static_cast<unsigned char>(text_[end - 1]))) --end;
    reasoning_.steps.push_back({std::move(text), number, begin, end});
  }

  absl::string_view text_;
  Reasoning reasoning_;
  bool is_cut_ = false;
};

// Where, behind the last mark, a paragraph concludes that is not that step's: "Therefore, ...", not indented.
std::size_t ConclusionStart(absl::string_view text, const Layout& layout, std::size_t last_mark) {
  for (auto start = layout.paragraphs.rbegin(); start != layout.paragraphs.rend() && *start > last_mark; ++start) {
    if (text[*start - 1] == '\n' && StartsWithConclusion(text, *start)) return *start;
  }
  return text.size();
}

void AddMarkedSteps(absl::string_view text, const Layout& layout, const std::vector<ReasoningMark>& marks,
                    Builder& builder) {
  const std::size_t conclusion = ConclusionStart(text, layout, marks.back().begin);
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const bool is_last = i + 1 == marks.size();
    if (builder.IsFull() && !(is_last && conclusion == text.size())) {
      builder.AddMarked(marks[i], text.size());
      builder.Cut();
      return;
    }
    builder.AddMarked(marks[i], is_last ? conclusion : marks[i + 1].begin);
  }
  if (conclusion < text.size()) builder.AddPlain({conclusion});
}

// Sentences that lead on begin a step, and so do paragraphs; empty if hardly any sentence does.
std::vector<std::size_t> ConnectiveStarts(absl::string_view text, const Layout& layout,
                                          const std::vector<std::size_t>& sentences) {
  std::vector<std::size_t> starts;
  std::size_t connectives = 0;
  for (const std::size_t sentence : sentences) {
    const bool is_connective = StartsWithConnective(text, sentence);
    if (is_connective) ++connectives;
    if (is_connective || std::binary_search(layout.paragraphs.begin(), layout.paragraphs.end(), sentence)) {
      starts.push_back(sentence);
    }
  }
  if (connectives < 2) starts.clear();
  return starts;
}

}  // namespace

Reasoning ParseReasoning(absl::string_view text) {
  const Layout layout = ReadLayout(text);
  if (layout.lines.empty()) return {};
  Builder builder(text);
  const std::vector<ReasoningMark> marks = ChooseMarks(text, layout);
  if (!marks.empty()) {
    AddMarkedSteps(text, layout, marks, builder);
    return builder.Take();
  }
  const std::vector<std::size_t> sentences = SentenceStarts(text);
  const std::vector<std::size_t> connectives = ConnectiveStarts(text, layout, sentences);
  if (!connectives.empty()) {
    builder.AddPlain(connectives);
  } else if (layout.paragraphs.size() >= 2) {
    builder.AddPlain(layout.paragraphs);
  } else if (layout.lines.size() >= 2) {
    builder.AddPlain(layout.lines);
  } else {
    builder.AddPlain(sentences);
  }
  return builder.Take();
}

}  // namespace dspex
