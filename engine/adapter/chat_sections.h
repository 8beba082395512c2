#pragma once

#include <absl/strings/string_view.h>

#include <optional>
#include <string>

namespace dspex {

/// The marker of the section that ends an answer.
inline constexpr absl::string_view kCompletedSection = "completed";

/// Appends "[[ ## name ## ]]".
void AppendMarker(std::string& out, absl::string_view name);

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

  explicit ChatSections(absl::string_view text) : text_(text) { FindMarker(0); }

  /// The next section; none at the end.
  std::optional<Section> Next();

 private:
  // Moves to the first marker at or after `from`, npos if there is none.
  void FindMarker(std::size_t from);

  absl::string_view text_;
  std::size_t line_ = absl::string_view::npos;
  std::size_t content_ = 0;
  absl::string_view name_;
};

/// The text of a section: lines joined by "\n", white space at its ends removed, valid UTF-8.
std::string SectionText(absl::string_view content);

}  // namespace dspex
