#include "server/service/import_batch.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/program/struct_json.h"

namespace dspex {

namespace {

constexpr std::size_t kMaxIdBytes = 256;
constexpr int kMaxBatch = 1000;
constexpr std::size_t kMaxBatchBytes = std::size_t{1} << 20;

absl::Status TooLarge() {
  return Error(absl::StatusCode::kInvalidArgument, reason::kExampleTooLarge,
               absl::StrCat("The example is longer than ", kMaxExampleBytes,
                            " bytes. Shorten it, or keep large parts elsewhere."))
      .With("limit", static_cast<long long>(kMaxExampleBytes));
}

absl::Status InvalidId(const std::string& key, absl::string_view problem) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidValue,
               absl::StrCat("The id ", key, " ", problem, ". Give a text of at most ", kMaxIdBytes,
                            " bytes, or a whole number."))
      .With("field", key);
}

absl::StatusOr<Json> ReadFields(const v1::Example& example) {
  if (example.has_fields_json()) {
    if (example.fields_json().size() > kMaxExampleBytes) return TooLarge();
    return ParseJson(example.fields_json(), {.max_bytes = kMaxExampleBytes});
  }
  if (example.has_fields()) return JsonFromStruct(example.fields());
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               "The example has no fields. Give `fields` or `fields_json`.");
}

// Takes the id out of the fields.
absl::StatusOr<std::string> TakeId(const std::string& key, Json& fields) {
  if (key.empty() || !fields.is_object()) return std::string();
  const auto found = fields.find(key);
  if (found == fields.end() || found->is_null()) return InvalidId(key, "is missing");
  std::string id;
  if (found->is_string()) id = found->get<std::string>();
  if (found->is_number_integer()) id = found->dump();
  if (id.empty()) return InvalidId(key, "is no id");
  if (id.size() > kMaxIdBytes) return InvalidId(key, "is too long");
  fields.erase(found);
  return id;
}

// The name of the first field with a number that JSON has not.
std::string FieldNotFinite(const Json& fields) {
  const auto finite = [](const auto& self, const Json& value) -> bool {
    if (value.is_number_float()) return std::isfinite(value.get<double>());
    if (!value.is_structured()) return true;
    return std::all_of(value.begin(), value.end(), [&self](const Json& part) { return self(self, part); });
  };
  for (const auto& [name, value] : fields.items()) {
    if (!finite(finite, value)) return name;
  }
  return "";
}

absl::StatusOr<NewExample> ReadExample(const ImportRules& rules, const v1::Example& example) {
  absl::StatusOr<Json> fields = ReadFields(example);
  if (!fields.ok()) return fields.status();
  absl::StatusOr<std::string> id = TakeId(rules.id_key, *fields);
  if (!id.ok()) return id.status();
  const auto with_id = [&id](absl::Status status) {
    return id->empty() ? status : WithMetadata(std::move(status), "id", *id);
  };
  absl::StatusOr<Json> checked = rules.schema.Check(*std::move(fields));
  if (!checked.ok()) return with_id(checked.status());
  if (const std::string field = FieldNotFinite(*checked); !field.empty()) {
    return with_id(Error(absl::StatusCode::kInvalidArgument, reason::kInvalidValue,
                         absl::StrCat("The field ", field, " has a number that is not finite. Give a finite one."))
                       .With("field", field));
  }
  NewExample read{*std::move(id), checked->dump(-1, ' ', false, Json::error_handler_t::replace)};
  if (read.fields_json.size() > kMaxExampleBytes) return with_id(TooLarge());
  return read;
}

}  // namespace

ExamplePlace PlaceIn(const v1::ImportExamplesRequest& part, int index, std::int64_t before) {
  return {before + index + 1, part.lines().empty() ? 0 : part.lines(index)};
}

absl::Status AtPlace(const absl::Status& status, const ExamplePlace& place) {
  const std::string where =
      place.line > 0 ? absl::StrCat("Line ", place.line) : absl::StrCat("Example ", place.number, " of the import");
  absl::Status placed(status.code(), absl::StrCat(where, ": ", status.message()));
  status.ForEachPayload(
      [&placed](absl::string_view type, const absl::Cord& payload) { placed.SetPayload(type, payload); });
  if (place.line > 0) placed = WithMetadata(std::move(placed), "line", absl::StrCat(place.line));
  return WithMetadata(std::move(placed), "example", absl::StrCat(place.number));
}

int BatchEnd(const v1::ImportExamplesRequest& part, int begin) {
  int end = begin;
  std::size_t bytes = 0;
  while (end < part.examples_size() && end - begin < kMaxBatch && bytes < kMaxBatchBytes) {
    bytes += part.examples(end++).ByteSizeLong();
  }
  return end;
}

absl::StatusOr<std::vector<NewExample>> ReadBatch(const ImportRules& rules, const v1::ImportExamplesRequest& part,
                                                  int begin, int end, std::int64_t before) {
  std::vector<NewExample> batch;
  batch.reserve(static_cast<std::size_t>(end - begin));
  for (int i = begin; i < end; ++i) {
    absl::StatusOr<NewExample> example = ReadExample(rules, part.examples(i));
    if (!example.ok()) return AtPlace(example.status(), PlaceIn(part, i, before));
    batch.push_back(*std::move(example));
  }
  return batch;
}

}  // namespace dspex
