#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapter/chat_sections.h"
#include "engine/adapter/completion_reader.h"
#include "engine/adapter/element_reader.h"
#include "engine/adapter/field_wording.h"
#include "engine/adapter/parse_value.h"
#include "engine/adapter/python_text.h"

namespace dspex {

namespace {

// Sections between markers. What may be the beginning of a marker, and white space that may be at a section's end, is
// kept back until it is known not to be.
class ChatReader final : public CompletionReader {
 public:
  explicit ChatReader(const std::vector<Field>& outputs) : outputs_(outputs), seen_(outputs.size(), false) {}

  void Put(absl::string_view text, std::vector<FieldPiece>& pieces) override {
    text_.append(text.data(), text.size());
    SectionMarker marker;
    while (FindSectionMarker(text_, scanned_, marker)) {
      EndSection(marker.line, pieces);
      scanned_ = marker.end;
      BeginSection(marker, pieces);
    }
    scanned_ = UndecidedMarker(text_, scanned_);
    if (field_ != nullptr) Tell(scanned_, pieces);
  }

 private:
  void BeginSection(const SectionMarker& marker, std::vector<FieldPiece>& pieces) {
    const auto found =
        std::find_if(outputs_.begin(), outputs_.end(), [&](const Field& field) { return field.name == marker.name; });
    // Of a section that comes twice, the first counts.
    const auto place = static_cast<std::size_t>(found - outputs_.begin());
    if (found == outputs_.end() || seen_[place]) return;
    seen_[place] = true;
    field_ = &*found;
    begin_ = told_ = marker.content;
    on_marker_line_ = true;
    elements_.reset();
    if (ElementReader::Reads(field_->type)) elements_.emplace(*field_);
    pieces.push_back({field_, FieldBegan()});
  }

  void EndSection(std::size_t end, std::vector<FieldPiece>& pieces) {
    if (field_ == nullptr) return;
    // A marker that is indented may begin within what was told.
    if (end >= told_) Tell(end, pieces);
    const Field& field = *std::exchange(field_, nullptr);
    end = std::max(end, begin_);
    absl::StatusOr<Json> value =
        ReadOutputText(field, SectionText(absl::string_view(text_).substr(begin_, end - begin_)));
    if (value.ok()) pieces.push_back({&field, FieldEnded{*std::move(value)}});
  }

  // Tells of the section's content up to `limit`, but for white space at its end.
  void Tell(std::size_t limit, std::vector<FieldPiece>& pieces) {
    if (limit <= told_) return;
    const std::size_t untold = limit - told_;
    if (elements_.has_value()) {
      elements_->Put(absl::string_view(text_).substr(told_, untold), pieces);
      told_ = limit;
      return;
    }
    if (!IsStreamedText(*field_)) return;
    absl::string_view piece = python_text::StripRight(absl::string_view(text_).substr(told_, untold));
    if (piece.empty()) return;
    told_ += piece.size();
    std::string text = TextOf(piece);
    if (!text.empty()) pieces.push_back({field_, FieldText{std::move(text)}});
  }

  // As SectionText makes it of the whole.
  std::string TextOf(absl::string_view piece) {
    if (told_ - piece.size() == begin_) {
      const absl::string_view stripped = python_text::StripLeft(piece);
      const absl::string_view before = piece.substr(0, piece.size() - stripped.size());
      on_marker_line_ = python_text::TrailingBlanks(before) == before.size();
      piece = stripped;
    }
    std::string text = python_text::NormalizeLines(piece);
    const std::size_t line_end = on_marker_line_ ? text.find('\n') : std::string::npos;
    if (line_end == std::string::npos) return text;
    on_marker_line_ = false;
    const std::size_t kept = python_text::StripRight(absl::string_view(text).substr(0, line_end)).size();
    return text.erase(kept, line_end - kept);
  }

  const std::vector<Field>& outputs_;
  std::vector<bool> seen_;
  std::string text_;
  /// Up to where all markers are known.
  std::size_t scanned_ = 0;
  /// The open section, if it is a field's; where its content begins, and up to where it was told.
  const Field* field_ = nullptr;
  std::size_t begin_ = 0;
  std::size_t told_ = 0;
  bool on_marker_line_ = true;
  std::optional<ElementReader> elements_;
};

}  // namespace

bool IsStreamedText(const Field& field) { return IsPlain(field.type, Type::Kind::kStr); }

std::unique_ptr<CompletionReader> MakeChatReader(const std::vector<Field>& outputs) {
  return std::make_unique<ChatReader>(outputs);
}

}  // namespace dspex
