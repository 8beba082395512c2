#include "server/service/digest.h"

#include <openssl/evp.h>

namespace dspex {

std::string Sha256(absl::string_view text) {
  std::string digest(32, '\0');
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(), nullptr);
  return digest;
}

}  // namespace dspex
