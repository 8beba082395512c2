#include "providers/http/tls.h"

#include <absl/strings/str_cat.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex::http {

absl::StatusOr<asio::ssl::context> MakeTlsContext(const std::string& ca_file) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  boost::system::error_code ec;
  if (ca_file.empty()) {
    context.set_default_verify_paths(ec);
  } else {
    context.load_verify_file(ca_file, ec);
  }
  if (ec) {
    return Error(
        absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
        absl::StrCat("The certificates to trust cannot be read from ", ca_file.empty() ? "the system's store" : ca_file,
                     " (", ec.message(), "). Name a readable file of PEM certificates in ca_file."));
  }
  context.set_verify_mode(asio::ssl::verify_peer, ec);
  SSL_CTX* const native = context.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  constexpr unsigned char kProtocols[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(native, kProtocols, sizeof(kProtocols) - 1);
  return context;
}

bool SetTlsHost(SSL* ssl, const std::string& host) {
  boost::system::error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  if (!not_an_address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

std::string CertificateProblem(SSL* ssl) {
  const long result = SSL_get_verify_result(ssl);
  return result == X509_V_OK ? "" : X509_verify_cert_error_string(result);
}

}  // namespace dspex::http
