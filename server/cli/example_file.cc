#include "server/cli/example_file.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "engine/json/utf8.h"

namespace dspex::cli {

namespace {

// What a dataset takes of an example, and a little for what CSV writes longer than JSON.
constexpr std::size_t kMaxBytes = std::size_t{4} << 20;
constexpr std::size_t kBlockBytes = std::size_t{256} << 10;

void StripLineEnd(std::string& line) {
  if (!line.empty() && line.back() == '\n') line.pop_back();
  if (!line.empty() && line.back() == '\r') line.pop_back();
}

std::string Quoted(const std::string& text) { return nlohmann::json(text).dump(); }

/// The values of a record of CSV, which may come in several lines.
class RecordReader {
 public:
  explicit RecordReader(std::vector<std::string>& values) : values_(values) { values_.assign(1, ""); }

  /// Takes a line, with its end; what is wrong with it, or nothing.
  absl::string_view Take(absl::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (in_quotes_) {
        if (c != '"') {
          values_.back() += c;
        } else if (i + 1 < line.size() && line[i + 1] == '"') {
          values_.back() += '"';
          ++i;
        } else {
          in_quotes_ = false;
          closed_ = true;
        }
      } else if (c == ',') {
        values_.emplace_back();
        closed_ = false;
      } else if (c == '\n' || (c == '\r' && line.substr(i) == "\r\n")) {
        break;
      } else if (closed_) {
        return "has text behind a quoted value. Write a quote within a value twice";
      } else if (c == '"' && values_.back().empty()) {
        in_quotes_ = true;
      } else {
        values_.back() += c;
      }
    }
    return "";
  }

  bool in_quotes() const { return in_quotes_; }

 private:
  std::vector<std::string>& values_;
  bool in_quotes_ = false;
  /// The value's quotes were closed.
  bool closed_ = false;
};

}  // namespace

ExampleFile::ExampleFile(std::istream& input, std::string name, Format format)
    : input_(input), name_(std::move(name)), format_(format) {}

absl::Status ExampleFile::At(std::int64_t line, absl::string_view problem) const {
  return absl::InvalidArgumentError(absl::StrCat(name_, ":", line, ": ", problem));
}

absl::Status ExampleFile::CheckUtf8(absl::string_view text, std::int64_t line) const {
  const std::size_t valid = ValidUtf8Prefix(text);
  if (valid == text.size()) return absl::OkStatus();
  return At(line, absl::StrCat("is not UTF-8 at byte ", valid + 1, ". Convert the file to UTF-8."));
}

bool ExampleFile::Fill() {
  block_.resize(kBlockBytes);
  input_.read(block_.data(), static_cast<std::streamsize>(block_.size()));
  block_.resize(static_cast<std::size_t>(input_.gcount()));
  position_ = 0;
  if (lines_ == 0 && absl::StartsWith(block_, "\xEF\xBB\xBF")) position_ = 3;
  return position_ < block_.size();
}

absl::StatusOr<bool> ExampleFile::AppendLine(std::string& text) {
  bool any = false;
  while (position_ < block_.size() || Fill()) {
    if (!any) ++lines_;
    any = true;
    const std::size_t end = block_.find('\n', position_);
    const std::size_t count = (end == std::string::npos ? block_.size() : end + 1) - position_;
    if (text.size() + count > kMaxBytes) {
      return At(lines_,
                absl::StrCat("is longer than ", kMaxBytes, " bytes. Shorten it, or keep large parts elsewhere."));
    }
    text.append(block_, position_, count);
    position_ += count;
    if (end != std::string::npos) break;
  }
  if (input_.bad()) return At(lines_, "cannot be read.");
  return any;
}

absl::StatusOr<std::optional<FileExample>> ExampleFile::Next() {
  return format_ == Format::kCsv ? NextRow() : NextJson();
}

absl::StatusOr<std::optional<FileExample>> ExampleFile::NextJson() {
  while (true) {
    FileExample example;
    const absl::StatusOr<bool> more = AppendLine(example.fields_json);
    if (!more.ok()) return more.status();
    if (!*more) return std::nullopt;
    StripLineEnd(example.fields_json);
    if (example.fields_json.find_first_not_of(" \t") == std::string::npos) continue;
    example.line = lines_;
    if (absl::Status valid = CheckUtf8(example.fields_json, lines_); !valid.ok()) return valid;
    return example;
  }
}

absl::StatusOr<bool> ExampleFile::ReadRecord(std::vector<std::string>& values, std::int64_t& line) {
  std::string text;
  while (true) {
    RecordReader record(values);
    text.clear();
    line = lines_ + 1;
    do {
      const std::size_t before = text.size();
      const absl::StatusOr<bool> more = AppendLine(text);
      if (!more.ok()) return more.status();
      if (!*more && record.in_quotes()) return At(line, "has a quote that is never closed. Close it.");
      if (!*more) return false;
      if (const absl::string_view problem = record.Take(absl::string_view(text).substr(before)); !problem.empty()) {
        return At(lines_, absl::StrCat(problem, "."));
      }
    } while (record.in_quotes());
    if (absl::Status valid = CheckUtf8(text, line); !valid.ok()) return valid;
    StripLineEnd(text);
    if (!text.empty()) return true;
  }
}

absl::Status ExampleFile::ReadHeader() {
  std::int64_t line = 0;
  const absl::StatusOr<bool> more = ReadRecord(header_, line);
  if (!more.ok()) return more.status();
  if (!*more) return At(1, "is missing: the first line names the fields.");
  absl::flat_hash_set<std::string> seen;
  for (const std::string& name : header_) {
    if (name.empty()) return At(line, "has a field without a name. Name each field.");
    if (!seen.insert(name).second) return At(line, absl::StrCat("names the field ", name, " twice. Name each once."));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<FileExample>> ExampleFile::NextRow() {
  if (header_.empty()) {
    if (absl::Status header = ReadHeader(); !header.ok()) return header;
  }
  std::vector<std::string> values;
  FileExample example;
  const absl::StatusOr<bool> more = ReadRecord(values, example.line);
  if (!more.ok()) return more.status();
  if (!*more) return std::nullopt;
  if (values.size() != header_.size()) {
    return At(example.line, absl::StrCat("has ", values.size(), " values, and the first line names ", header_.size(),
                                         " fields. Quote values that have commas."));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    absl::StrAppend(&example.fields_json, i == 0 ? "{" : ",", Quoted(header_[i]), ":", Quoted(values[i]));
  }
  example.fields_json += '}';
  return example;
}

}  // namespace dspex::cli
