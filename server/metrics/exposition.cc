#include "server/metrics/exposition.h"

#include <absl/strings/str_cat.h>
#include <prometheus/exposer.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <thread>

#include "engine/base/task.h"
#include "server/metrics/metrics.h"

namespace dspex {

namespace {

/// Where a connection to ourselves goes: the address we listen on, or loopback if that is all addresses or a name.
asio::ip::tcp::endpoint PokeAddress(std::string host, int port) {
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  boost::system::error_code ec;
  asio::ip::address address = asio::ip::make_address(host, ec);
  if (ec || address.is_unspecified()) address = asio::ip::address_v4::loopback();
  return {address, static_cast<asio::ip::port_type>(port)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Exposition>> Exposition::Start(const std::string& listen, const Metrics& metrics) {
  std::unique_ptr<Exposition> exposition(new Exposition());
  if (listen == "off") return exposition;
  try {
    exposition->exposer_ = std::make_unique<prometheus::Exposer>(listen, /*num_threads=*/2);
    for (const auto& collectable : metrics.Collectables()) exposition->exposer_->RegisterCollectable(collectable);
    const std::vector<int> ports = exposition->exposer_->GetListeningPorts();
    if (!ports.empty()) {
      exposition->address_ = absl::StrCat(listen.substr(0, listen.rfind(':')), ":", ports.front());
      exposition->poke_ = PokeAddress(listen.substr(0, listen.rfind(':')), ports.front());
    }
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat("cannot serve metrics on ", listen, ": ", error.what(),
                                               ". Is it in use? Choose another with --metrics, or off."));
  }
  return exposition;
}

Exposition::~Exposition() {
  if (exposer_ == nullptr) return;
  // Civetweb looks at its stop flag every two seconds, or when a connection comes: so connections come.
  std::atomic<bool> stopped{false};
  std::thread stop([this, &stopped] {
    exposer_.reset();
    stopped.store(true);
  });
  while (!stopped.load()) {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    boost::system::error_code ignored;
    socket.connect(poke_, ignored);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  stop.join();
}

}  // namespace dspex
