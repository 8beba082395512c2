#include "engine/program/demo_json.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "dspex/v1/values.pb.h"
#include "engine/base/error.h"
#include "engine/program/struct_json.h"

namespace dspex {

absl::StatusOr<Json> DemoFromStruct(const google::protobuf::Struct& fields, const Signature& signature) {
  absl::StatusOr<Json> json = JsonFromStruct(fields);
  if (!json.ok()) return json.status();
  Json ordered = Json::object();
  for (const auto* side : {&signature.inputs(), &signature.outputs()}) {
    for (const Field& field : *side) {
      if (const auto value = json->find(field.name); value != json->end()) ordered[field.name] = *value;
    }
  }
  for (auto& [key, value] : json->items()) {
    if (!ordered.contains(key)) ordered[key] = std::move(value);
  }
  return ordered;
}

absl::StatusOr<Json> DemoFromExample(const v1::Example& example, const Signature& signature) {
  const bool is_text = example.has_fields_json();
  absl::StatusOr<Json> demo = is_text ? ParseJson(example.fields_json()) : DemoFromStruct(example.fields(), signature);
  if (!demo.ok()) return WithFieldPrefix(demo.status(), is_text ? "fields_json" : "fields");
  return demo;
}

}  // namespace dspex
