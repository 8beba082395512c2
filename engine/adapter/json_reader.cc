#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapter/completion_reader.h"
#include "engine/adapter/container_scanner.h"
#include "engine/adapter/element_reader.h"
#include "engine/adapter/parse_value.h"

namespace dspex {

namespace {

// The members of the object that the first brace opens.
class JsonReader final : public CompletionReader, private ContainerScanner::Handler {
 public:
  explicit JsonReader(const std::vector<Field>& outputs) : outputs_(outputs), scanner_(*this) {}

  void Put(absl::string_view text, std::vector<FieldPiece>& pieces) override {
    if (!begun_) {
      const std::size_t brace = text.find('{');
      if (brace == absl::string_view::npos) return;
      text.remove_prefix(brace);
      begun_ = true;
    }
    pieces_ = &pieces;
    scanner_.Put(text);
  }

 private:
  void OnBegin(const std::string& key, bool is_text) override {
    const auto found =
        std::find_if(outputs_.begin(), outputs_.end(), [&](const Field& field) { return field.name == key; });
    field_ = found == outputs_.end() ? nullptr : &*found;
    if (field_ == nullptr) return;
    streams_ = is_text && IsStreamedText(*field_);
    raw_.clear();
    elements_.reset();
    if (ElementReader::Reads(field_->type)) elements_.emplace(*field_);
    pieces_->push_back({field_, FieldBegan()});
  }

  void OnText(absl::string_view text) override {
    if (field_ != nullptr && streams_) pieces_->push_back({field_, FieldText{std::string(text)}});
  }

  void OnRaw(absl::string_view raw) override {
    if (field_ == nullptr) return;
    raw_.append(raw.data(), raw.size());
    if (elements_.has_value()) elements_->Put(raw, *pieces_);
  }

  void OnEnd() override {
    const Field* field = std::exchange(field_, nullptr);
    if (field == nullptr) return;
    absl::StatusOr<Json> value = ParseJson(raw_);
    if (value.ok()) value = ReadOutputValue(*field, *std::move(value));
    if (value.ok()) pieces_->push_back({field, FieldEnded{*std::move(value)}});
  }

  const std::vector<Field>& outputs_;
  ContainerScanner scanner_;
  bool begun_ = false;
  std::vector<FieldPiece>* pieces_ = nullptr;
  /// The field whose value is being read, and whether it is told of as text.
  const Field* field_ = nullptr;
  bool streams_ = false;
  std::string raw_;
  std::optional<ElementReader> elements_;
};

}  // namespace

std::unique_ptr<CompletionReader> MakeJsonReader(const std::vector<Field>& outputs) {
  return std::make_unique<JsonReader>(outputs);
}

}  // namespace dspex
