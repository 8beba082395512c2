#include "server/metrics/metrics.h"
#include "server/rpc/services.h"

namespace dspex {

const Method& MethodTable::Add(absl::string_view name) {
  Entry& entry = *entries_.emplace_back(std::make_unique<Entry>());
  entry.metrics = metrics_.ForMethod(service_, name);
  entry.method = {service_, std::string(name), entry.metrics.get()};
  return entry.method;
}

}  // namespace dspex
