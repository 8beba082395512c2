#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/json/json.h"
#include "engine/lm/language_model.h"

namespace dspex {

/// CRC-32 as zlib's.
std::uint32_t Crc32(absl::string_view text);

/// A language model whose answers are a function of the request: as ScriptedModel in scripted.py, letter for letter.
class ScriptedModel final : public lm::LanguageModel {
 public:
  /// {"error", "garbage": probabilities, "occurrences": whether an equal request may get another answer}.
  explicit ScriptedModel(const Json& script);

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override;
  absl::StatusOr<lm::RenderedRequest> Render(const lm::Request& request) const override;
  const std::string& name() const override { return name_; }
  lm::Capabilities capabilities() const override { return {}; }

  /// A number for each request, in order.
  std::vector<std::uint32_t> calls;

 private:
  const std::string name_ = "scripted/model";
  const double error_;
  const double garbage_;
  const bool occurrences_;
  absl::flat_hash_map<std::uint32_t, int> seen_;
};

class ScriptedModels final : public lm::LanguageModels {
 public:
  explicit ScriptedModels(const Json& script) : model(std::make_shared<ScriptedModel>(script)) {}

  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> Find(absl::string_view /*name*/) override {
    return std::shared_ptr<lm::LanguageModel>(model);
  }

  const std::shared_ptr<ScriptedModel> model;
};

}  // namespace dspex
