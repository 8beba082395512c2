#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <string>
#include <vector>

namespace dspex {

/// One step of a text of reasoning.
struct ReasoningStep {
  /// What it says, without its mark ("2.", "-", "Step 3:") and without white space at its ends.
  std::string text;
  /// The number that the text gives it; 0 if it gives none.
  int number = 0;
  /// Bytes of the reasoning, mark included.
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Something that seems wrong with a step: advice, as a text can mean other than it seems.
struct ReasoningIssue {
  enum class Kind {
    kMissingStep,   ///< Refers to a step that does not exist.
    kLaterStep,     ///< Refers to a step that comes later.
    kEmptyStep,     ///< Says nothing.
    kRepeatedStep,  ///< Says what an earlier step says.
    kTooManySteps,  ///< Holds the rest of a text of more than kMaxReasoningSteps.
  };
  Kind kind = Kind::kMissingStep;
  /// The step's place in the list.
  std::size_t step = 0;
  /// kMissingStep, kLaterStep: the number referred to. kRepeatedStep: the place of the earlier step.
  int other = 0;

  bool operator==(const ReasoningIssue&) const = default;
};

struct Reasoning {
  std::vector<ReasoningStep> steps;
  std::vector<ReasoningIssue> issues;
};

inline constexpr std::size_t kMaxReasoningSteps = 256;
inline constexpr std::size_t kMaxReasoningIssues = 256;

/// Takes a text of reasoning apart: by "Step 1:", by numbers ("1.", "2)", "(3)"), by bullets, by words that lead on
/// (first, then, next, therefore, finally, ...), else by paragraphs, lines or sentences, whichever of these it has
/// first. What stands before the first mark introduces and is no step. Never fails; linear in the text, at most
/// kMaxReasoningSteps and kMaxReasoningIssues. Bytes that are no UTF-8 are kept as they are.
Reasoning ParseReasoning(absl::string_view text);

}  // namespace dspex
