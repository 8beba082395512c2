#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/lm/language_model.h"

namespace dspex {

/// What both take.
inline lm::Capabilities Intersection(lm::Capabilities a, const lm::Capabilities& b) {
  return {.images = a.images && b.images,
          .response_format = a.response_format && b.response_format,
          .json_schema = a.json_schema && b.json_schema,
          .tools = a.tools && b.tools,
          .reasoning = a.reasoning && b.reasoning};
}

/// A model that calls go through to one of several. It takes what all of them take, so that a request that was made for
/// it suits each; it bears the name of the first.
class Several : public lm::LanguageModel {
 public:
  absl::StatusOr<lm::RenderedRequest> Render(const lm::Request& request) const final {
    return models_.front()->Render(request);
  }
  const std::string& name() const final { return models_.front()->name(); }
  lm::Capabilities capabilities() const final {
    lm::Capabilities all = models_.front()->capabilities();
    for (const auto& model : models_) all = Intersection(all, model->capabilities());
    return all;
  }

 protected:
  /// `models` is not empty.
  explicit Several(std::vector<std::shared_ptr<lm::LanguageModel>> models) : models_(std::move(models)) {}

  std::size_t count() const { return models_.size(); }
  lm::LanguageModel& at(std::size_t index) const { return *models_[index]; }

 private:
  const std::vector<std::shared_ptr<lm::LanguageModel>> models_;
};

}  // namespace dspex
