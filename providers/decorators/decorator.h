#pragma once

#include <absl/strings/string_view.h>

#include <memory>
#include <string>
#include <utility>

#include "engine/lm/language_model.h"

namespace dspex {

/// A model that does something around the calls of another one, and is it in everything else.
class Decorator : public lm::LanguageModel {
 public:
  absl::StatusOr<lm::RenderedRequest> Render(const lm::Request& request) const final { return inner_->Render(request); }
  const std::string& name() const final { return inner_->name(); }
  lm::Capabilities capabilities() const final { return inner_->capabilities(); }

 protected:
  explicit Decorator(std::shared_ptr<lm::LanguageModel> inner) : inner_(std::move(inner)) {}

  lm::LanguageModel& inner() const { return *inner_; }

  /// What stands before and behind the "/" of its name.
  absl::string_view provider() const { return absl::string_view(name()).substr(0, name().find('/')); }
  absl::string_view model() const { return absl::string_view(name()).substr(name().find('/') + 1); }

 private:
  const std::shared_ptr<lm::LanguageModel> inner_;
};

}  // namespace dspex
