#include "providers/http/url.h"

#include <gtest/gtest.h>

namespace dspex::http {
namespace {

TEST(UrlTest, Parses) {
  const Url url = ParseUrl("https://API.example.com/v1/").value();
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "api.example.com");
  EXPECT_EQ(url.port, 443);
  EXPECT_EQ(url.path, "/v1");
  EXPECT_EQ(url.authority(), "api.example.com");
  EXPECT_EQ(ParseUrl("http://localhost:8080")->authority(), "localhost:8080");
  EXPECT_EQ(ParseUrl("http://[::1]:80/a/b")->authority(), "[::1]");
  EXPECT_EQ(ParseUrl("http://[::1]:80/a/b")->host, "::1");
  EXPECT_EQ(ParseUrl("https://h:80")->ToString(), "https://h:80");
}

TEST(UrlTest, RefusesWhatIsNoBaseUrl) {
  for (const char* text : {"",
                           "api.example.com",
                           "ftp://h",
                           "http://",
                           "http:///v1",
                           "http://h:0",
                           "http://h:65536",
                           "http://h:x",
                           "http://h:",
                           "http://u:p@h",
                           "http://h/?q",
                           "http://h/#f",
                           "http://h/a b",
                           "http://a b",
                           "http://[::1",
                           "http://[x]",
                           "http://h/\r\nX: y",
                           "http://h\n",
                           "http://[::1]x",
                           "http://h:+80"}) {
    const absl::Status status = ParseUrl(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace dspex::http
