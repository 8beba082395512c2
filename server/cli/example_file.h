#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

namespace dspex::cli {

/// An example as a file has it.
struct FileExample {
  /// What is to be one JSON object.
  std::string fields_json;
  /// From 1; where it begins.
  std::int64_t line = 0;
};

/// Reads examples one by one: memory is that of one of them. Errors are INVALID_ARGUMENT, "NAME:LINE: what is wrong".
class ExampleFile {
 public:
  enum class Format {
    /// A JSON object on each line; blank lines are skipped. Whether it is one, the server says.
    kJsonLines,
    /// RFC 4180, the first line names the fields. All values are texts.
    kCsv,
  };

  /// `name` is for errors. `input` outlives this.
  ExampleFile(std::istream& input, std::string name, Format format);

  /// The next example; nullopt at the end.
  absl::StatusOr<std::optional<FileExample>> Next();

 private:
  // Reads the next line, with its end, behind `text`; false at the end of the file.
  absl::StatusOr<bool> AppendLine(std::string& text);
  bool Fill();
  absl::StatusOr<std::optional<FileExample>> NextJson();
  absl::StatusOr<std::optional<FileExample>> NextRow();
  absl::StatusOr<bool> ReadRecord(std::vector<std::string>& values, std::int64_t& line);
  absl::Status ReadHeader();
  absl::Status CheckUtf8(absl::string_view text, std::int64_t line) const;
  absl::Status At(std::int64_t line, absl::string_view problem) const;

  std::istream& input_;
  const std::string name_;
  const Format format_;
  std::string block_;
  std::size_t position_ = 0;
  /// Lines read so far.
  std::int64_t lines_ = 0;
  std::vector<std::string> header_;
};

}  // namespace dspex::cli
