#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <memory>
#include <string>
#include <vector>

namespace dspex::bench {

/// The parts of a body that stay the same.
struct BodyFrame {
  std::string prefix;
  std::string suffix;
};

/// HTTP requests over kept-alive connections of one thread's io_context: the least, and the least with what a product
/// cannot do without. Not thread-safe.
class FloorClient {
 public:
  FloorClient(boost::asio::io_context& context, boost::asio::ip::tcp::endpoint endpoint, std::string target);

  /// Sends prefix + text + suffix; returns the response's body. Throws on any error.
  boost::asio::awaitable<std::string> PostRaw(const BodyFrame& frame, absl::string_view text);

  /// The same with time-outs of each phase, cancellation and errors as a status; returns the completion's content.
  boost::asio::awaitable<absl::StatusOr<std::string>> PostEquipped(const BodyFrame& frame, absl::string_view text);

 private:
  struct RawConnection {
    boost::asio::ip::tcp::socket socket;
    boost::beast::flat_buffer buffer;
  };
  struct EquippedConnection {
    boost::beast::tcp_stream stream;
    boost::beast::flat_buffer buffer;
  };

  std::string Head(size_t body_bytes) const;

  boost::asio::io_context& context_;
  const boost::asio::ip::tcp::endpoint endpoint_;
  const std::string target_;
  std::vector<std::unique_ptr<RawConnection>> idle_raw_;
  std::vector<std::unique_ptr<EquippedConnection>> idle_equipped_;
};

}  // namespace dspex::bench
