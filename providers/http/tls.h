#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <string>

#include "engine/base/task.h"

namespace dspex::http {

/// A context for clients: certificates are verified against `ca_file`, or the system's store if it is empty; TLS 1.2 or
/// later; HTTP/1.1. INVALID_ARGUMENT if the file holds no certificates.
absl::StatusOr<asio::ssl::context> MakeTlsContext(const std::string& ca_file);

/// Makes the handshake name `host` (SNI) and fail unless the certificate is for it. False if OpenSSL refuses the name.
bool SetTlsHost(SSL* ssl, const std::string& host);

/// Why the certificate was refused, "hostname mismatch"; empty if it was not.
std::string CertificateProblem(SSL* ssl);

}  // namespace dspex::http
