#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapter/completion_reader.h"
#include "engine/adapter/python_text.h"

namespace dspex {

namespace {

// The longest entity that XML knows by name or that a character needs.
constexpr std::size_t kMaxEntity = 12;

// The texts of elements that are named as fields. Of other fields, and of a text with markup in it, the whole tells.
class XmlStreamReader final : public CompletionReader {
 public:
  explicit XmlStreamReader(const std::vector<Field>& outputs) : outputs_(outputs) {}

  void Put(absl::string_view text, std::vector<FieldPiece>& pieces) override {
    rest_.append(text.data(), text.size());
    absl::string_view rest = rest_;
    while (field_ == nullptr ? FindElement(rest, pieces) : ReadText(rest, pieces)) {
    }
    rest_ = std::string(rest);
  }

 private:
  // Skips to behind the next tag that opens a field's element; false if more of the text is needed.
  bool FindElement(absl::string_view& rest, std::vector<FieldPiece>& pieces) {
    const std::size_t open = rest.find('<');
    rest.remove_prefix(std::min(open, rest.size()));
    const std::size_t close = rest.find('>');
    if (close == absl::string_view::npos) {
      if (rest.size() > kMaxTag) rest.remove_prefix(1);
      return rest.size() > kMaxTag;
    }
    const absl::string_view name = rest.empty() ? "" : rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    const auto found =
        std::find_if(outputs_.begin(), outputs_.end(), [&](const Field& field) { return field.name == name; });
    if (found == outputs_.end() || !IsStreamedText(*found)) return true;
    field_ = &*found;
    begun_ = false;
    spaces_.clear();
    pieces.push_back({field_, FieldBegan()});
    return true;
  }

  // Tells of the element's text up to its end, or as far as it is known.
  bool ReadText(absl::string_view& rest, std::vector<FieldPiece>& pieces) {
    const std::size_t end = rest.find('<');
    absl::string_view text = rest.substr(0, end);
    std::string decoded;
    const bool whole = Decode(text, end != absl::string_view::npos, decoded);
    rest.remove_prefix(std::min(rest.size(), static_cast<std::size_t>(text.data() - rest.data())));
    Tell(decoded, pieces);
    if (!whole || end == absl::string_view::npos) return false;
    const std::string tag = absl::StrCat("</", field_->name, ">");
    if (absl::StartsWith(tag, rest.substr(0, tag.size())) && rest.size() < tag.size()) return false;
    absl::ConsumePrefix(&rest, tag);
    field_ = nullptr;
    return true;
  }

  // Appends what `text` stands for and consumes it; false if its end is an entity that may go on.
  static bool Decode(absl::string_view& text, bool at_end, std::string& decoded) {
    while (!text.empty()) {
      const std::size_t plain = std::min(text.find('&'), text.size());
      decoded.append(text.data(), plain);
      text.remove_prefix(plain);
      if (text.empty()) return true;
      const std::size_t end = text.find(';');
      if (end == absl::string_view::npos && !at_end && text.size() < kMaxEntity) return false;
      const absl::string_view entity = text.substr(0, end == absl::string_view::npos ? 1 : end + 1);
      decoded += entity == "&amp;"    ? "&"
                 : entity == "&lt;"   ? "<"
                 : entity == "&gt;"   ? ">"
                 : entity == "&quot;" ? "\""
                 : entity == "&apos;" ? "'"
                                      : std::string(entity);
      text.remove_prefix(entity.size());
    }
    return true;
  }

  // White space at the ends of the text is no part of it, and each line ends with "\n".
  void Tell(const std::string& decoded, std::vector<FieldPiece>& pieces) {
    absl::string_view text = decoded;
    if (!begun_) text = python_text::StripLeft(text);
    const absl::string_view solid = python_text::StripRight(text);
    if (!solid.empty()) {
      begun_ = true;
      const std::string told = absl::StrCat(std::exchange(spaces_, ""), solid);
      pieces.push_back({field_, FieldText{absl::StrReplaceAll(told, {{"\r\n", "\n"}, {"\r", "\n"}})}});
    }
    const absl::string_view spaces = text.substr(solid.size());
    if (begun_) spaces_.append(spaces.data(), spaces.size());
  }

  static constexpr std::size_t kMaxTag = 256;

  const std::vector<Field>& outputs_;
  /// What has come and is not read yet.
  std::string rest_;
  /// The open element.
  const Field* field_ = nullptr;
  bool begun_ = false;
  /// White space that is told of once something follows it.
  std::string spaces_;
};

}  // namespace

std::unique_ptr<CompletionReader> MakeXmlReader(const std::vector<Field>& outputs) {
  return std::make_unique<XmlStreamReader>(outputs);
}

}  // namespace dspex
