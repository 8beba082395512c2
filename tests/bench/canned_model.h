#pragma once

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>

#include "engine/base/context.h"
#include "engine/lm/language_model.h"

namespace dspex {

/// Answers every request with the same completion.
class CannedModel final : public lm::LanguageModel {
 public:
  explicit CannedModel(std::string completion) {
    response_.completions.push_back({std::move(completion), {}, lm::FinishReason::kStop});
    response_.usage = {.input_tokens = 100, .output_tokens = 10, .lm_calls = 1};
    response_.model = "canned";
  }

  Task<lm::Response> Generate(RequestContext, const lm::Request& request) override {
    benchmark::DoNotOptimize(request.turns.data());
    co_return response_;
  }
  absl::StatusOr<lm::RenderedRequest> Render(const lm::Request&) const override { return lm::RenderedRequest{}; }
  const std::string& name() const override { return name_; }
  lm::Capabilities capabilities() const override { return {}; }

  /// The answer, to be changed before the first call.
  lm::Response& response() { return response_; }

 private:
  const std::string name_ = "canned/model";
  lm::Response response_;
};

class OneModel final : public lm::LanguageModels {
 public:
  explicit OneModel(std::string completion) : model_(std::make_shared<CannedModel>(std::move(completion))) {}
  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> Find(absl::string_view) override { return model_; }

 private:
  std::shared_ptr<lm::LanguageModel> model_;
};

}  // namespace dspex
