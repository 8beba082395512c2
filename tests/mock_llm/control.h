#pragma once

#include <absl/strings/string_view.h>

#include <boost/asio/awaitable.hpp>
#include <string>

namespace dspex::mock_llm {

class Server;

struct ControlReply {
  int status = 200;
  std::string body;  ///< JSON.
};

/// Answers a request to a target under /_mock; README.md lists them. The arguments outlive the awaitable.
boost::asio::awaitable<ControlReply> HandleControl(Server& server, absl::string_view method, absl::string_view target,
                                                   absl::string_view body);

}  // namespace dspex::mock_llm
