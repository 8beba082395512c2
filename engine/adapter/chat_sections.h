#pragma once

#include <absl/strings/string_view.h>

#include <optional>
#include <string>

namespace dspex {

/// The marker of the section that ends an answer.
inline constexpr absl::string_view kCompletedSection = "completed";

/// Appends "[[ ## name ## ]]".
void AppendMarker(std::string& out, absl::string_view name);

/// A marker that heads a section.
struct SectionMarker {
  absl::string_view name;
  /// Where its line begins, and where the section's content does.
  std::size_t line = 0;
  std::size_t content = 0;
  /// Where to look for the next one.
  std::size_t end = 0;
};

/// Finds the first marker that begins at or after `from`; false if there is none.
bool FindSectionMarker(absl::string_view text, std::size_t from, SectionMarker& marker);

/// Where, at or after `from`, a marker may begin that the end of the text cuts off; the text's size if nowhere.
std::size_t UndecidedMarker(absl::string_view text, std::size_t from);

/// Reads a text in the chat layout: sections, each headed by a marker that begins a line, in the order in which they
/// stand. What stands before the first marker belongs to none. Linear in time, keeps views into the text only; any
/// bytes will do.
///
/// A line is what Python's str.splitlines makes one, white space may stand before the marker, and what follows it on
/// its line is the first line of its section.
class ChatSections {
 public:
  struct Section {
    absl::string_view name;
    /// What follows the marker, up to the line of the next one; SectionText makes it a value's text.
    absl::string_view content;
  };

  explicit ChatSections(absl::string_view text) : text_(text), has_next_(FindSectionMarker(text, 0, next_)) {}

  /// The next section; none at the end.
  std::optional<Section> Next();

 private:
  absl::string_view text_;
  SectionMarker next_;
  bool has_next_;
};

/// The text of a section: lines joined by "\n", white space at its ends removed, valid UTF-8.
std::string SectionText(absl::string_view content);

}  // namespace dspex
