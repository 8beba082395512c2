#include "server/store/example_digest.h"

#include <absl/strings/escaping.h>
#include <openssl/evp.h>

#include <cstdint>
#include <memory>

namespace dspex {

ExampleDigest::ExampleDigest(absl::string_view hex) : bytes_(absl::HexStringToBytes(hex)) {}

void ExampleDigest::Add(absl::string_view id, absl::string_view fields_json) {
  // Made once: looking the algorithm up takes longer than a short example.
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context = [] {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> made(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    EVP_DigestInit_ex(made.get(), EVP_sha256(), nullptr);
    return made;
  }();
  EVP_DigestInit_ex(context.get(), nullptr, nullptr);
  EVP_DigestUpdate(context.get(), bytes_.data(), bytes_.size());
  unsigned char length[8];
  for (int i = 0; i < 8; ++i) length[i] = static_cast<unsigned char>(std::uint64_t{id.size()} >> (8 * i));
  EVP_DigestUpdate(context.get(), length, sizeof(length));
  EVP_DigestUpdate(context.get(), id.data(), id.size());
  EVP_DigestUpdate(context.get(), fields_json.data(), fields_json.size());
  bytes_.resize(32);
  EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(bytes_.data()), nullptr);
}

std::string ExampleDigest::hex() const { return absl::BytesToHexString(bytes_); }

}  // namespace dspex
