#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/adapter/testing.h"
#include "engine/json/utf8.h"

namespace dspex {

/// What the fuzz targets of all layouts check of Parse.
class ParseFuzzTarget {
 public:
  explicit ParseFuzzTarget(AdapterKind kind)
      : signature_(testing_support::Sig(
            "q -> a, b: Optional[int], c: list[str], d: Literal['x', 1, None], e: dict[str, float], f: bool | str, g: "
            "T | "
            "None",
            "",
            testing_support::Types({{"T", R"({"type": "object", "title": "T", "properties": {"v": {"type": "integer"},
                "kids": {"type": "array", "items": {"$ref": "#/$defs/T"}}}, "required": ["v"]})"}}))),
        adapter_(testing_support::Bind(kind, signature_)) {}

  int Run(const std::uint8_t* data, std::size_t size) const {
    const auto fields = adapter_->Parse(absl::string_view(reinterpret_cast<const char*>(data), size));
    if (!fields.ok()) {
      if (fields.status().code() != absl::StatusCode::kDataLoss) std::abort();
      return 0;
    }
    if (fields->size() != signature_.outputs().size()) std::abort();
    std::size_t i = 0;
    for (const auto& [name, value] : fields->items()) {
      if (name != signature_.outputs()[i++].name || !IsValid(value)) std::abort();
    }
    return 0;
  }

 private:
  static bool IsValid(const Json& value) {
    if (value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      return ValidUtf8Prefix(text) == text.size();
    }
    for (const Json& element : value) {
      if (value.is_structured() && !IsValid(element)) return false;
    }
    return true;
  }

  const Signature signature_;
  const std::shared_ptr<const BoundAdapter> adapter_;
};

}  // namespace dspex
