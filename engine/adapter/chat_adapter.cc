#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapter/chat_sections.h"
#include "engine/adapter/field_wording.h"
#include "engine/adapter/parse_value.h"
#include "engine/adapter/python_text.h"
#include "engine/adapter/section_adapter.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

void AppendHead(std::string& out, absl::string_view name) {
  AppendMarker(out, name);
  out.push_back('\n');
}

class ChatAdapter final : public SectionAdapter {
 public:
  explicit ChatAdapter(AdapterParts parts) : SectionAdapter(std::move(parts)) {
    std::vector<std::string> fields;
    std::string marker;
    for (const Field& field : signature().outputs()) {
      marker.clear();
      AppendMarker(marker, field.name);
      const std::string type = field.type.ToString();
      fields.push_back(Phrase(field).Render({{"marker", marker}, {"type", type}}));
    }
    set_reminder(book().chat_reminder.Render({{"fields", fields}}));
  }

  absl::StatusOr<Json> Parse(absl::string_view text) const override {
    const std::vector<Field>& fields = signature().outputs();
    std::vector<std::optional<absl::string_view>> contents(fields.size());
    std::size_t missing = fields.size();
    ChatSections sections(text);
    for (auto section = sections.Next(); section.has_value() && missing > 0; section = sections.Next()) {
      const Field* field = signature().FindOutput(section->name);
      if (field == nullptr) continue;
      auto& content = contents[static_cast<std::size_t>(field - fields.data())];
      if (content.has_value()) continue;
      content = section->content;
      --missing;
    }
    std::vector<std::optional<Json>> values(fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (!contents[i].has_value()) continue;
      absl::StatusOr<Json> value = ReadOutputText(fields[i], SectionText(*contents[i]));
      if (!value.ok()) return value.status();
      values[i] = *std::move(value);
    }
    return Complete(std::move(values));
  }

  std::unique_ptr<CompletionReader> NewReader() const override { return MakeChatReader(signature().outputs()); }

 protected:
  absl::StatusOr<std::string> System() const override {
    return book().chat_system.Render({{"input_fields", FieldList(book(), signature().inputs())},
                                      {"output_fields", FieldList(book(), signature().outputs())},
                                      {"input_pattern", Pattern(signature().inputs(), false)},
                                      {"output_pattern", Pattern(signature().outputs(), true)},
                                      {"instructions", InstructionLines(book(), signature())}});
  }

  absl::StatusOr<std::string> Answer(const Fields& fields, const Json& values,
                                     const std::string* missing) const override {
    Content content(Content::Blocks::kMarked);
    for (const ValueWriter* writer : fields) {
      const Field& field = writer->field();
      AppendSectionHead(content, field.name);
      const Json* value = FindMember(values, field.name);
      if (value == nullptr && missing != nullptr) {
        content.text() += *missing;
      } else if (absl::Status status = writer->AppendTo(content, value == nullptr ? Json() : *value); !status.ok()) {
        return status;
      }
    }
    std::string text(python_text::Strip(content.text()));
    text += "\n\n";
    AppendHead(text, kCompletedSection);
    return text;
  }

 private:
  const dspex::Phrase& Phrase(const Field& field) const {
    if (IsPlain(field.type, Kind::kToolCalls)) return book().chat_reminder_tool_calls;
    return IsPlain(field.type, Kind::kStr) ? book().chat_reminder_field : book().chat_reminder_typed_field;
  }
};

}  // namespace

void SectionAdapter::AppendSectionHead(Content& out, absl::string_view name) {
  out.Separate();
  AppendHead(out.text(), name);
}

absl::Status SectionAdapter::AppendInputs(const Fields& fields, const Json& values, Content& out) const {
  for (const ValueWriter* writer : fields) {
    const Json* value = FindMember(values, writer->field().name);
    if (value == nullptr) continue;
    AppendSectionHead(out, writer->field().name);
    if (absl::Status status = writer->AppendTo(out, *value); !status.ok()) return status;
  }
  return absl::OkStatus();
}

std::string SectionAdapter::Pattern(const std::vector<Field>& fields, bool output) const {
  std::string pattern;
  for (const Field& field : fields) {
    if (!pattern.empty()) pattern += "\n\n";
    AppendHead(pattern, field.name);
    pattern += Placeholder(book(), field, output);
  }
  return std::string(python_text::Strip(pattern));
}

std::unique_ptr<AdapterBase> MakeChatAdapter(AdapterParts parts) {
  return std::make_unique<ChatAdapter>(std::move(parts));
}

}  // namespace dspex
