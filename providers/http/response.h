#pragma once

#include <absl/strings/string_view.h>

#include <string>

namespace dspex::http {

/// The fields of a response's header, in the order received. One string, because hardly any of them is ever read.
class Headers {
 public:
  /// `value` holds no line break.
  void Append(absl::string_view name, absl::string_view value);

  /// The value of the first field of that name, in whatever case; empty if there is none.
  absl::string_view Get(absl::string_view name) const;

 private:
  std::string lines_;
};

/// A complete response.
struct Response {
  int status = 0;
  Headers headers;
  std::string body;
};

}  // namespace dspex::http
