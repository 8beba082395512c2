#include "engine/module/field_stream.h"

#include <absl/strings/match.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace dspex {

FieldStream::FieldStream(Options options, EventSink& events)
    : options_(std::move(options)), events_(events), told_of_(options_.outputs->size()) {}

std::size_t FieldStream::PlaceOf(absl::string_view field) const {
  const std::vector<Field>& outputs = *options_.outputs;
  return static_cast<std::size_t>(
      std::find_if(outputs.begin(), outputs.end(), [&](const Field& output) { return output.name == field; }) -
      outputs.begin());
}

absl::string_view FieldStream::NameAt(std::size_t place) const { return (*options_.outputs)[place].name; }

StatusTask FieldStream::Emit(What what) { return events_.Emit(Event{options_.module, std::move(what)}); }

StatusTask FieldStream::Tell(StatusUpdate status) { return Emit(std::move(status)); }

StatusTask FieldStream::Take(lm::Delta delta) {
  std::vector<FieldPiece> pieces;
  if (auto* call = std::get_if<lm::ToolCallDelta>(&delta)) {
    committed_ = true;
    told_ = true;
    ToolCallDelta event{call->index, std::move(call->id), std::move(call->name), std::move(call->arguments)};
    co_return co_await Emit(std::move(event));
  }
  if (auto* reasoning = std::get_if<lm::ReasoningDelta>(&delta)) {
    const std::size_t place = PlaceOf(options_.reasoning_field);
    if (place == told_of_.size()) co_return absl::OkStatus();
    committed_ = true;
    const Field* field = &(*options_.outputs)[place];
    if (!told_of_[place].started) pieces.push_back({field, FieldBegan()});
    pieces.push_back({field, FieldText{std::move(reasoning->text)}});
  } else {
    committed_ = true;
    if (options_.reader != nullptr) options_.reader->Put(std::get<lm::TextDelta>(delta).text, pieces);
  }
  for (FieldPiece& piece : pieces) {
    absl::Status passed = co_await Pass(std::move(piece));
    if (!passed.ok()) co_return passed;
  }
  co_return absl::OkStatus();
}

StatusTask FieldStream::Pass(FieldPiece piece) {
  const std::size_t place = PlaceOf(piece.field->name);
  if (place == told_of_.size()) co_return absl::OkStatus();
  Told& told = told_of_[place];
  const absl::string_view field = NameAt(place);
  told_ = true;
  if (std::holds_alternative<FieldBegan>(piece.what)) {
    told = Told{.started = true, .text = {}, .value = nullptr};
    co_return co_await Emit(FieldStarted{field});
  }
  if (auto* text = std::get_if<FieldText>(&piece.what)) {
    told.text += text->text;
    co_return co_await Emit(FieldDelta{field, std::move(text->text)});
  }
  if (auto* element = std::get_if<FieldElement>(&piece.what)) {
    co_return co_await Emit(FieldPart{field, std::move(element->key), std::move(element->value)});
  }
  // Finish looks at what was told of once more; a text that turned out to be another is begun again there.
  auto& ended = std::get<FieldEnded>(piece.what);
  if (ended.value.is_string() && IsStreamedText(*piece.field) && ended.value.get_ref<const std::string&>() != told.text)
    co_return absl::OkStatus();
  told.value = std::make_unique<Json>(ended.value);
  co_return co_await Emit(FieldCompleted{field, std::move(ended.value)});
}

void FieldStream::AddTold(const Json& outputs) {
  for (const auto& [name, value] : outputs.items()) {
    const std::size_t place = PlaceOf(name);
    if (place == told_of_.size()) continue;
    told_ = true;
    told_of_[place].started = true;
    if (value.is_string()) told_of_[place].text = value.get<std::string>();
    told_of_[place].value = std::make_unique<Json>(value);
  }
}

StatusTask FieldStream::Finish(const Json& outputs) {
  for (std::size_t place = 0; place < told_of_.size(); ++place) {
    const auto value = outputs.find(std::string(NameAt(place)));
    if (value == outputs.end()) continue;
    absl::Status finished = co_await FinishField(place, *value);
    if (!finished.ok()) co_return finished;
  }
  co_return absl::OkStatus();
}

StatusTask FieldStream::FinishField(std::size_t place, const Json& value) {
  Told& told = told_of_[place];
  if (told.value != nullptr && *told.value == value) co_return absl::OkStatus();
  const absl::string_view field = NameAt(place);
  const std::string* text = value.is_string() ? &value.get_ref<const std::string&>() : nullptr;
  const bool goes_on = told.started && told.value == nullptr &&
                       (text == nullptr ? told.text.empty() : absl::StartsWith(*text, told.text));
  absl::Status emitted;
  if (!goes_on) {
    told = Told{.started = true, .text = {}, .value = nullptr};
    emitted = co_await Emit(FieldStarted{field});
  }
  if (emitted.ok() && text != nullptr && text->size() > told.text.size()) {
    emitted = co_await Emit(FieldDelta{field, text->substr(told.text.size())});
  }
  if (!emitted.ok()) co_return emitted;
  co_return co_await Emit(FieldCompleted{field, value});
}

StatusTask FieldStream::Interrupt() {
  if (!told_) co_return absl::OkStatus();
  Json outputs = Json::object();
  for (std::size_t place = 0; place < told_of_.size(); ++place) {
    const Told& told = told_of_[place];
    const std::string name(NameAt(place));
    if (told.value != nullptr) {
      outputs[name] = *told.value;
    } else if (!told.text.empty()) {
      outputs[name] = told.text;
    }
  }
  co_return co_await Emit(Interrupted{std::move(outputs)});
}

}  // namespace dspex
