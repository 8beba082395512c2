#include "providers/anthropic/anthropic_model.h"

#include <gtest/gtest.h>

#include <atomic>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/lm/delta.h"
#include "providers/http/test_peer.h"

namespace dspex::anthropic {
namespace {

using http::IoThreads;
using http::Peer;
using http::PeerConnection;
using http::Running;

class TextSink final : public lm::DeltaSink {
 public:
  StatusTask Take(lm::Delta delta) override {
    if (const auto* piece = std::get_if<lm::TextDelta>(&delta)) text_ += piece->text;
    ++taken_;
    co_return absl::OkStatus();
  }
  bool committed() const override { return taken_ > 0; }
  int taken() const { return taken_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::atomic<int> taken_ = 0;
};

class AnthropicModelTest : public ::testing::Test {
 protected:
  void Connect(const std::string& url) {
    http::ClientOptions options;
    options.base_url = url;
    client_ = http::Client::Create(options).value();
    model_ = NewModel({.provider = "anthropic", .model = "claude-x", .api_key = "the-key", .capabilities = {}},
                      *client_, prefixes_)
                 .value();
  }
  static Task<lm::Response> Call(std::shared_ptr<lm::LanguageModel> model, const lm::Request* request,
                                 RequestContext context, lm::DeltaSink* sink) {
    context.set_deltas(sink);
    absl::StatusOr<lm::Response> response = co_await model->Generate(context, *request);
    co_return response;
  }
  absl::StatusOr<lm::Response> Generate(lm::DeltaSink* sink = nullptr) {
    return Running<lm::Response>(
               threads_.executor(0), kNoDeadline,
               [this, sink](RequestContext context) { return Call(model_, &request_, context, sink); })
        .Get();
  }

  const lm::Request request_ = {
      std::make_shared<lm::Prefix>(std::vector{lm::Message::Text(lm::Role::kSystem, "Be brief.")}),
      {lm::Message::Text(lm::Role::kUser, "Why?")},
      nullptr};
  IoThreads threads_{1};
  PrefixCache prefixes_{1 << 20};
  std::unique_ptr<http::Client> client_;
  std::shared_ptr<lm::LanguageModel> model_;
};

TEST_F(AnthropicModelTest, SendsWhatRenderShowsWithItsOwnHeaders) {
  std::string received;
  Peer peer([&](PeerConnection& connection, int) {
    received = connection.ReadRequest();
    connection.Answer(R"({"content":[{"type":"text","text":"Because."}],"model":"claude-y","stop_reason":"end_turn"})",
                      "Content-Type: application/json\r\nrequest-id: req-7\r\n");
  });
  Connect(peer.url());
  const absl::StatusOr<lm::Response> response = Generate();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->completions[0].text, "Because.");
  EXPECT_EQ(response->provider_request_id, "req-7");
  const lm::RenderedRequest rendered = model_->Render(request_).value();
  EXPECT_EQ(rendered.url, peer.url() + "/messages");
  EXPECT_EQ(rendered.body,
            R"({"model":"claude-x","system":[{"type":"text","text":"Be brief."}],"messages":[{"role":"user",)"
            R"("content":[{"type":"text","text":"Why?"}]}],"max_tokens":16384})");
  EXPECT_EQ(received.substr(received.find("\r\n\r\n") + 4), rendered.body);
  EXPECT_EQ(received.find("POST /v1/messages HTTP/1.1\r\n"), 0u);
  EXPECT_NE(received.find("x-api-key: the-key\r\n"), std::string::npos) << received;
  EXPECT_NE(received.find("anthropic-version: 2023-06-01\r\n"), std::string::npos) << received;
  EXPECT_EQ(received.find("Authorization"), std::string::npos) << received;
  EXPECT_EQ(model_->name(), "anthropic/claude-x");
}

constexpr char kStreamHead[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nrequest-id: req-8\r\n\r\n";
constexpr char kStart[] =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3}}}\n\n"
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
    "{\"type\":\"text\",\"text\":\"\"}}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n";

std::string TextEvent(const std::string& text) {
  return "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
         "{\"type\":\"text_delta\",\"text\":\"" +
         text + "\"}}\n\n";
}

TEST_F(AnthropicModelTest, StreamsPieceByPiece) {
  TextSink sink;
  std::string received;
  Peer peer([&](PeerConnection& connection, int) {
    received = connection.ReadRequest();
    connection.Write(std::string(kStreamHead) + kStart + TextEvent("Be"));
    // The second piece comes only when the first has arrived.
    EXPECT_TRUE(http::Eventually([&] { return sink.taken() == 1; }));
    connection.Write(TextEvent("cause.") +
                     "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
                     "\"usage\":{\"output_tokens\":2}}\n\ndata: {\"type\":\"message_stop\"}\n\n");
  });
  Connect(peer.url());
  const absl::StatusOr<lm::Response> response = Generate(&sink);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->completions[0].text, "Because.");
  EXPECT_EQ(sink.text(), "Because.");
  EXPECT_EQ(response->usage.input_tokens, 3);
  EXPECT_EQ(response->usage.output_tokens, 2);
  EXPECT_EQ(response->provider_request_id, "req-8");
  EXPECT_NE(received.find(R"("stream":true})"), std::string::npos) << received;
}

TEST_F(AnthropicModelTest, AStreamThatFailsOrBreaksOffIsAnError) {
  const auto outcome_of = [this](const std::string& rest) {
    Peer peer([&](PeerConnection& connection, int) {
      connection.ReadRequest();
      connection.Write(std::string(kStreamHead) + kStart + TextEvent("Be") + rest);
    });
    Connect(peer.url());
    TextSink sink;
    const absl::StatusOr<lm::Response> response = Generate(&sink);
    EXPECT_EQ(sink.text(), "Be");
    EXPECT_EQ(ErrorMetadata(response.status(), "provider_request_id"), "req-8") << response.status();
    client_->Close();
    return ErrorReason(response.status());
  };
  EXPECT_EQ(outcome_of("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
                       "\"message\":\"Overloaded\"}}\n\n"),
            reason::kProviderOverloaded);
  EXPECT_EQ(outcome_of(""), reason::kProviderUnreachable);
  EXPECT_EQ(outcome_of("data: {\"type\n\n"), reason::kProviderMalformed);
}

TEST_F(AnthropicModelTest, AKeyThatCannotBeSentIsAnError) {
  Connect("http://127.0.0.1:1/v1");
  EXPECT_EQ(NewModel({.provider = "a", .model = "m", .api_key = "k\r\nX: y", .capabilities = {}}, *client_, prefixes_)
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace dspex::anthropic
