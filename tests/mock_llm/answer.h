#pragma once

#include <absl/strings/string_view.h>

#include <memory>
#include <string>

#include "tests/mock_llm/stream.h"
#include "tests/mock_llm/types.h"

namespace dspex::mock_llm {

/// How the bytes of an answer reach the client, if they do.
enum class Delivery {
  kWhole,
  kClose,
  kReset,
  kCloseInBody,
  kResetInBody,
  kHang,
  kHangInBody,
  kDrip,
};

/// What a request is answered with. `headers` replace the server's own of the same name.
struct Answer {
  int status = 200;
  std::string content_type = "application/json";
  absl::string_view request_id_header = "x-request-id";
  Headers headers;
  std::shared_ptr<const std::string> body;
  std::shared_ptr<const EventStream> stream;  ///< Instead of the body, if it is not null.
  Milliseconds latency{0};
  Delivery delivery = Delivery::kWhole;
  Milliseconds drip{20};
};

inline void SetBody(Answer& answer, std::string body) {
  answer.body = std::make_shared<const std::string>(std::move(body));
}

}  // namespace dspex::mock_llm
