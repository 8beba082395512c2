#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapter/adapter_base.h"
#include "engine/adapter/field_wording.h"
#include "engine/adapter/python_text.h"
#include "engine/adapter/python_value.h"

namespace dspex {

namespace {

constexpr char kExtractedText[] = "text";

class TwoStepAdapter final : public AdapterBase {
 public:
  explicit TwoStepAdapter(AdapterParts parts)
      : AdapterBase(std::move(parts), false), extraction_(MakeExtraction(book_pointer(), signature())) {}

  absl::StatusOr<Json> Parse(absl::string_view completion) const override { return extraction_->Parse(completion); }
  std::unique_ptr<CompletionReader> NewReader() const override { return nullptr; }

 protected:
  absl::StatusOr<std::string> System() const override {
    return book().two_step_system.Render({{"input_fields", FieldList(book(), signature().inputs())},
                                          {"output_fields", FieldList(book(), signature().outputs())},
                                          {"instructions", InstructionsOf(book(), signature())}});
  }

  absl::Status AppendInputs(const Fields& fields, const Json& values, Content& out) const override {
    AppendValues(fields, values, out);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Answer(const Fields& fields, const Json& values, const std::string*) const override {
    Content content(Content::Blocks::kMarked);
    AppendValues(fields, values, content);
    return std::string(python_text::Strip(content.text()));
  }

  // DSPy leaves blocks as the marked texts that str() makes of them.
  Content::Blocks live_blocks() const override { return Content::Blocks::kMarked; }
  bool expands_markers() const override { return false; }
  bool asks_for_nothing() const override { return true; }

 private:
  static std::unique_ptr<AdapterBase> MakeExtraction(std::shared_ptr<const Phrasebook> book, const Signature& whole) {
    Signature extraction = ExtractionSignature(*book, whole);
    return MakeChatAdapter({AdapterOptions(), std::move(book), std::move(extraction)});
  }

  void AppendValues(const Fields& fields, const Json& values, Content& out) const {
    for (const ValueWriter* writer : fields) {
      const Field& field = writer->field();
      const Json* value = FindMember(values, field.name);
      if (value == nullptr) continue;
      out.Separate();
      absl::StrAppend(&out.text(), field.name, ": ", PythonText(book(), signature(), field.type, *value));
    }
  }

  const std::unique_ptr<AdapterBase> extraction_;
};

}  // namespace

Signature ExtractionSignature(const Phrasebook& phrasebook, const Signature& signature) {
  std::vector<std::string> names;
  for (const Field& field : signature.outputs()) {
    names.push_back(phrasebook.two_step_extract_field.Render({{"name", field.name}}));
  }
  Signature extraction = signature;
  for (const Field& field : signature.inputs()) extraction = extraction.Delete(field.name);
  if (const Field* output = extraction.FindOutput(kExtractedText); output != nullptr) {
    // An output of that name takes the place of the text, which is the first, as in DSPy.
    const Field first = *output;
    extraction = extraction.Delete(kExtractedText).Prepend(Signature::Side::kOutputs, first);
  } else {
    extraction = extraction.Prepend(Signature::Side::kInputs, MakeField(kExtractedText, Type()));
  }
  return extraction.WithInstructions(phrasebook.two_step_instructions.Render({{"fields", names}}));
}

std::unique_ptr<AdapterBase> MakeTwoStepAdapter(AdapterParts parts) {
  return std::make_unique<TwoStepAdapter>(std::move(parts));
}

}  // namespace dspex
