#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <fstream>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/http/client.h"
#include "providers/http/test_peer.h"

namespace dspex::http {
namespace {

// A self-signed certificate for "localhost" and its key, in files of PEM.
struct Certificate {
  explicit Certificate(const std::string& name)
      : certificate_file(::testing::TempDir() + "/" + name + ".crt"),
        key_file(::testing::TempDir() + "/" + name + ".key") {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate, key, EVP_sha256());
    std::FILE* file = std::fopen(certificate_file.c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen(key_file.c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  std::string certificate_file;
  std::string key_file;
};

class TlsTest : public ::testing::Test {
 protected:
  // Answers each request with its body, over TLS.
  void Serve(PeerConnection& connection) {
    asio::ssl::context context(asio::ssl::context::tls_server);
    context.use_certificate_file(certificate_.certificate_file, asio::ssl::context::pem);
    context.use_private_key_file(certificate_.key_file, asio::ssl::context::pem);
    asio::ssl::stream<tcp::socket&> stream(connection.socket(), context);
    boost::system::error_code ec;
    stream.handshake(asio::ssl::stream_base::server, ec);
    std::string buffer;
    while (!ec) {
      const std::size_t header = asio::read_until(stream, asio::dynamic_buffer(buffer), "\r\n\r\n", ec);
      if (ec) return;
      const std::size_t size = header + std::stoul(buffer.substr(buffer.find("Content-Length: ") + 16));
      if (buffer.size() < size) {
        asio::read(stream, asio::dynamic_buffer(buffer), asio::transfer_exactly(size - buffer.size()), ec);
      }
      const std::string body = buffer.substr(header, size - header);
      buffer.erase(0, size);
      asio::write(stream,
                  asio::buffer("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body),
                  ec);
    }
  }
  static Task<Response> PostNow(Client* client, std::string head, std::string body, RequestContext context) {
    const absl::string_view pieces[] = {body};
    co_return co_await client->Post(context, head, pieces);
  }
  absl::StatusOr<Response> Post(const std::string& host, const std::string& ca_file, const std::string& body = "{}") {
    if (client_ == nullptr) {
      ClientOptions options;
      options.base_url = "https://" + host + ":" + std::to_string(peer_.port());
      options.ca_file = ca_file;
      client_ = Client::Create(options).value();
    }
    return Running<Response>(threads_.executor(0), kNoDeadline,
                             [this, body](RequestContext context) {
                               return PostNow(client_.get(), client_->PostHead("/chat", {}).value(), body, context);
                             })
        .Get();
  }

  Certificate certificate_{"served"};
  Peer peer_{[this](PeerConnection& connection, int) { Serve(connection); }};
  IoThreads threads_{1};
  std::unique_ptr<Client> client_;
};

TEST_F(TlsTest, TrustedServer) {
  for (int i = 0; i < 3; ++i) {
    const auto response = Post("localhost", certificate_.certificate_file, "hello");
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->body, "hello");
  }
  const std::string large(3'000'000, 'x');
  const auto response = Post("localhost", certificate_.certificate_file, large);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->body == large);
  EXPECT_EQ(peer_.accepted(), 1);
}

TEST_F(TlsTest, UntrustedCertificate) {
  const Certificate other("other");
  for (const std::string& ca_file : {other.certificate_file, std::string()}) {
    client_.reset();
    const absl::Status status = Post("localhost", ca_file).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_EQ(ErrorReason(status), reason::kProviderUnreachable) << status;
    EXPECT_NE(status.message().find("ca_file"), absl::string_view::npos) << status;
    EXPECT_EQ(client_->stats().in_use, 0);
  }
}

TEST_F(TlsTest, CertificateOfAnotherHost) {
  const absl::Status status = Post("127.0.0.1", certificate_.certificate_file).status();
  EXPECT_EQ(ErrorReason(status), reason::kProviderUnreachable) << status;
  EXPECT_NE(status.message().find("mismatch"), absl::string_view::npos) << status;
}

TEST(TlsPlainTest, ServerWithoutTls) {
  Peer peer([](PeerConnection& connection, int) { connection.Write("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"); });
  IoThreads threads(1);
  ClientOptions options;
  options.base_url = "https://127.0.0.1:" + std::to_string(peer.port());
  const std::unique_ptr<Client> client = Client::Create(options).value();
  struct Local {
    static Task<Response> Post(Client* client, RequestContext context) {
      co_return co_await client->Post(context, "", {});
    }
  };
  const absl::Status status =
      Running<Response>(threads.executor(0), kNoDeadline,
                        [&](RequestContext context) { return Local::Post(client.get(), context); })
          .Get()
          .status();
  EXPECT_EQ(ErrorReason(status), reason::kProviderUnreachable) << status;
}

}  // namespace
}  // namespace dspex::http
