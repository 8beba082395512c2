#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapter/baml_types.h"
#include "engine/adapter/field_wording.h"
#include "engine/adapter/section_adapter.h"

namespace dspex {

namespace {

class BamlAdapter final : public JsonObjectAdapter {
 public:
  using JsonObjectAdapter::JsonObjectAdapter;

 protected:
  absl::StatusOr<std::string> System() const override {
    std::vector<std::string> inputs;
    for (const Field& field : signature().inputs()) inputs.push_back(book().baml_input.Render({{"name", field.name}}));
    std::vector<std::string> outputs;
    for (const Field& field : signature().outputs()) {
      const absl::StatusOr<std::string> type = BamlType(book(), field.type);
      if (!type.ok()) return type.status();
      outputs.push_back(book().baml_output.Render({{"name", field.name}, {"type", *type}}));
    }
    return book().baml_system.Render({{"input_fields", FieldList(book(), signature().inputs())},
                                      {"output_fields", FieldList(book(), signature().outputs())},
                                      {"inputs", inputs},
                                      {"outputs", outputs},
                                      {"instructions", InstructionLines(book(), signature())}});
  }

  absl::Status AppendInputs(const Fields& fields, const Json& values, Content& out) const override {
    for (const ValueWriter* writer : fields) {
      const Json* value = FindMember(values, writer->field().name);
      if (value == nullptr) continue;
      AppendSectionHead(out, writer->field().name);
      if (writer->IsModel(*value)) {
        writer->AppendIndented(out, *value);
      } else if (absl::Status status = writer->AppendTo(out, *value); !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  }

  // Blocks within a model's JSON are text to pydantic; they become blocks again when the message is split.
  Content::Blocks live_blocks() const override { return Content::Blocks::kMarked; }
};

}  // namespace

std::unique_ptr<AdapterBase> MakeBamlAdapter(AdapterParts parts) {
  return std::make_unique<BamlAdapter>(std::move(parts));
}

}  // namespace dspex
