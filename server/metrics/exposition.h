#pragma once

#include <absl/status/statusor.h>

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

namespace prometheus {
class Exposer;
}

namespace dspex {

class Metrics;

/// The HTTP port that Prometheus scrapes, path /metrics.
class Exposition {
 public:
  /// Listens on "host:port" (port 0: any); "off" listens nowhere. UNAVAILABLE if it cannot. `metrics` outlives the
  /// result.
  static absl::StatusOr<std::unique_ptr<Exposition>> Start(const std::string& listen, const Metrics& metrics);
  ~Exposition();

  /// "host:port" as bound; "off" without a port.
  const std::string& address() const { return address_; }

 private:
  Exposition() = default;
  std::unique_ptr<prometheus::Exposer> exposer_;
  std::string address_ = "off";
  boost::asio::ip::tcp::endpoint poke_;
};

}  // namespace dspex
