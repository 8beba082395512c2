#pragma once

#include <absl/strings/string_view.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>
#include <vector>

namespace dspex::cli {

/// Columns a terminal needs for a text: wide characters take two, combining ones none.
int DisplayWidth(absl::string_view text);

/// The text on one line of at most `width` columns, "…" in place of what was cut; control characters become spaces.
std::string Cut(absl::string_view text, int width);

/// The text with control characters other than line breaks and tabs as spaces, so that it cannot steer a terminal.
/// Bytes that are not UTF-8 become U+FFFD.
std::string Printable(absl::string_view text);

/// "2026-11-24T15:01:58Z", without what is less than a second.
std::string TimeText(google::protobuf::Timestamp time);

/// Rows in aligned columns, for people.
class Table {
 public:
  explicit Table(std::vector<std::string> header);

  /// Adds a row of as many cells as the header has. Long cells are cut.
  void Add(const std::vector<std::string>& row);

  std::string ToString() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// Names and values, one pair a line; the lines of a long value stand below one another.
std::string FieldList(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace dspex::cli
