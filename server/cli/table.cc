#include "server/cli/table.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <google/protobuf/util/time_util.h>
#include <utf8proc.h>

#include <algorithm>
#include <utility>

namespace dspex::cli {

namespace {

constexpr int kWidestCell = 60;
constexpr absl::string_view kEllipsis = "…";
constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";
constexpr int kGap = 2;

struct Character {
  absl::string_view bytes;
  /// Negative: `bytes` are not UTF-8.
  utf8proc_int32_t code_point = -1;
};

/// Takes the first character off `text`, which must not be empty.
Character TakeCharacter(absl::string_view& text) {
  Character character;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const auto size = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size()), &character.code_point);
  character.bytes = text.substr(0, size > 0 ? static_cast<std::size_t>(size) : 1);
  text.remove_prefix(character.bytes.size());
  return character;
}

int Width(const Character& character) {
  return character.code_point < 0 ? 1 : utf8proc_charwidth(character.code_point);
}

/// Also the characters that reorder a line or hide text.
bool IsControl(const Character& character) {
  if (character.code_point < 0) return false;
  const auto category = utf8proc_category(character.code_point);
  const bool joins = character.code_point == 0x200c || character.code_point == 0x200d;
  return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP ||
         (category == UTF8PROC_CATEGORY_CF && !joins);
}

std::string Padded(const std::string& text, int width) {
  return text + std::string(static_cast<std::size_t>(std::max(0, width - DisplayWidth(text))), ' ');
}

}  // namespace

int DisplayWidth(absl::string_view text) {
  int width = 0;
  while (!text.empty()) width += Width(TakeCharacter(text));
  return width;
}

std::string Printable(absl::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Character character = TakeCharacter(text);
    const bool allowed = character.bytes == "\n" || character.bytes == "\t";
    absl::StrAppend(&result, character.code_point < 0           ? kReplacement
                             : IsControl(character) && !allowed ? absl::string_view(" ")
                                                                : character.bytes);
  }
  return result;
}

std::string Cut(absl::string_view text, int width) {
  std::string line = Printable(text);
  std::replace_if(line.begin(), line.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  if (DisplayWidth(line) <= width) return line;
  std::string result;
  int used = 0;
  for (absl::string_view rest = line; !rest.empty();) {
    const Character character = TakeCharacter(rest);
    used += Width(character);
    if (used > width - DisplayWidth(kEllipsis)) break;
    absl::StrAppend(&result, character.bytes);
  }
  return absl::StrCat(result, kEllipsis);
}

std::string TimeText(google::protobuf::Timestamp time) {
  time.set_nanos(0);
  return google::protobuf::util::TimeUtil::ToString(time);
}

Table::Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }

void Table::Add(const std::vector<std::string>& row) {
  std::vector<std::string>& cells = rows_.emplace_back();
  for (const std::string& cell : row) cells.push_back(Cut(cell, kWidestCell));
}

std::string Table::ToString() const {
  std::vector<int> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) absl::StrAppend(&line, Padded(row[i], widths[i] + kGap));
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

std::string FieldList(const std::vector<std::pair<std::string, std::string>>& fields) {
  int widest = 0;
  for (const auto& [name, value] : fields) widest = std::max(widest, DisplayWidth(name));
  std::string text;
  for (const auto& [name, value] : fields) {
    std::string label = name;
    for (const absl::string_view line : absl::StrSplit(value, '\n')) {
      absl::StrAppend(&text, Padded(label, widest + kGap), Printable(line), "\n");
      label.clear();
    }
  }
  return text;
}

}  // namespace dspex::cli
