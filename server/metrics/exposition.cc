#include "server/metrics/exposition.h"

#include <absl/strings/str_cat.h>
#include <prometheus/exposer.h>

#include <exception>

#include "server/metrics/metrics.h"

namespace dspex {

absl::StatusOr<std::unique_ptr<Exposition>> Exposition::Start(const std::string& listen, const Metrics& metrics) {
  std::unique_ptr<Exposition> exposition(new Exposition());
  if (listen == "off") return exposition;
  try {
    exposition->exposer_ = std::make_unique<prometheus::Exposer>(listen, /*num_threads=*/2);
    for (const auto& collectable : metrics.Collectables()) exposition->exposer_->RegisterCollectable(collectable);
    const std::vector<int> ports = exposition->exposer_->GetListeningPorts();
    if (!ports.empty()) {
      exposition->address_ = absl::StrCat(listen.substr(0, listen.rfind(':')), ":", ports.front());
    }
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat("cannot serve metrics on ", listen, ": ", error.what(),
                                               ". Is it in use? Choose another with --metrics, or off."));
  }
  return exposition;
}

Exposition::~Exposition() = default;

}  // namespace dspex
