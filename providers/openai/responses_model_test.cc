#include "providers/openai/responses_model.h"

#include <gtest/gtest.h>

#include "providers/http/test_peer.h"

namespace dspex::openai {
namespace {

using http::IoThreads;
using http::Peer;
using http::PeerConnection;
using http::Running;

TEST(ResponsesModelTest, SendsWhatRenderShows) {
  std::string received;
  Peer peer([&](PeerConnection& connection, int) {
    received = connection.ReadRequest();
    connection.Answer(R"({"status":"completed","output":[{"type":"message","content":[)"
                      R"({"type":"output_text","text":"Because."}]}]})",
                      "Content-Type: application/json\r\nx-request-id: req-7\r\n");
  });
  IoThreads threads(1);
  PrefixCache prefixes(1 << 20);
  http::ClientOptions client_options;
  client_options.base_url = peer.url();
  const std::unique_ptr<http::Client> client = http::Client::Create(client_options).value();
  ModelOptions options;
  options.provider = "openai";
  options.model = "gpt-x";
  options.api_key = "the-key";
  const std::shared_ptr<lm::LanguageModel> model = NewResponsesModel(options, *client, prefixes).value();
  lm::Request request;
  request.prefix = std::make_shared<lm::Prefix>(std::vector{lm::Message::Text(lm::Role::kSystem, "Be brief.")});
  request.turns = {lm::Message::Text(lm::Role::kUser, "Why?")};
  const absl::StatusOr<lm::Response> response =
      Running<lm::Response>(threads.executor(0), kNoDeadline, [&](RequestContext context) {
        return model->Generate(context, request);
      }).Get();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->completions[0].text, "Because.");
  EXPECT_EQ(response->provider_request_id, "req-7");
  const lm::RenderedRequest rendered = model->Render(request).value();
  EXPECT_EQ(rendered.url, peer.url() + "/responses");
  EXPECT_EQ(rendered.body,
            R"({"model":"gpt-x","instructions":"Be brief.","input":[{"role":"user","content":"Why?"}]})");
  EXPECT_EQ(received.substr(received.find("\r\n\r\n") + 4), rendered.body);
  EXPECT_EQ(received.find("POST /v1/responses HTTP/1.1\r\n"), 0u);
  EXPECT_NE(received.find("Authorization: Bearer the-key\r\n"), std::string::npos) << received;
  threads.Stop();
}

}  // namespace
}  // namespace dspex::openai
