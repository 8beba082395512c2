#pragma once

#include <absl/strings/string_view.h>

#include <string>

namespace dspex {

/// A digest of examples in their order: of each, with the digest of those before it, the SHA-256. It can be taken up
/// again where it stands, and does not depend on how the examples came.
class ExampleDigest {
 public:
  /// Of no examples.
  ExampleDigest() = default;
  /// Of those whose digest is `hex`.
  explicit ExampleDigest(absl::string_view hex);

  void Add(absl::string_view id, absl::string_view fields_json);

  std::string hex() const;

 private:
  std::string bytes_;
};

}  // namespace dspex
