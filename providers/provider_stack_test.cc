#include "providers/provider_stack.h"
#include "engine/base/mutex.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/http/test_peer.h"

namespace dspex {
namespace {

using http::IoThreads;
using http::Peer;
using http::PeerConnection;
using http::Running;

class RecordingObserver final : public AttemptObserver {
 public:
  void OnAttempt(const Attempt& attempt) override {
    MutexLock lock(&mutex_);
    seen_.push_back(absl::StrCat(attempt.provider, " ", attempt.model, " ", attempt.outcome, " ",
                                 attempt.usage.input_tokens, "+", attempt.usage.output_tokens));
    EXPECT_GT(attempt.duration, Clock::duration::zero());
  }
  std::vector<std::string> seen() {
    MutexLock lock(&mutex_);
    return seen_;
  }

 private:
  Mutex mutex_;
  std::vector<std::string> seen_ ABSL_GUARDED_BY(mutex_);
};

class ProviderStackTest : public ::testing::Test {
 protected:
  void Configure(const std::string& name, const std::string& base_url) {
    ProviderSettings settings;
    settings.name = name;
    settings.endpoints.push_back({.base_url = base_url, .api_key = "the-key"});
    StackSettings stack;
    stack.providers.push_back(std::move(settings));
    stack.user_agent = "dspex/test";
    auto models = ConfiguredLanguageModels::Create(std::move(stack), observer_, scope_, time_);
    ASSERT_TRUE(models.ok()) << models.status();
    models_ = *std::move(models);
  }
  static Task<lm::Response> Call(std::shared_ptr<lm::LanguageModel> model, const lm::Request* request,
                                 RequestContext context) {
    co_return co_await model->Generate(context, *request);
  }
  Running<lm::Response> Generate(const std::string& name) {
    return Running<lm::Response>(threads_.executor(0), kNoDeadline,
                                 [model = models_->Find(name).value(), this](RequestContext context) {
                                   return Call(model, &request_, context);
                                 });
  }
  static lm::Request MakeRequest() {
    lm::Request request;
    request.prefix = std::make_shared<lm::Prefix>(std::vector{lm::Message::Text(lm::Role::kSystem, "Be brief.")});
    request.turns = {lm::Message::Text(lm::Role::kUser, "Why?")};
    auto options = std::make_shared<lm::Options>();
    options->max_tokens = 5;
    request.options = options;
    return request;
  }

  const lm::Request request_ = MakeRequest();
  IoThreads threads_{1};
  RecordingObserver observer_;
  TaskScope scope_;
  SteadyTime time_;
  std::unique_ptr<ConfiguredLanguageModels> models_;
};

constexpr char kCompletion[] =
    R"({"model":"m-2","choices":[{"message":{"content":"Because."},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":3,"completion_tokens":2}})";

TEST_F(ProviderStackTest, SendsWhatRenderShows) {
  std::vector<std::string> received;
  Peer peer([&](PeerConnection& connection, int) {
    for (std::string request; !(request = connection.ReadRequest()).empty();) {
      received.push_back(request);
      connection.Answer(kCompletion, "Content-Type: application/json\r\nX-Request-Id: req-7\r\n");
    }
  });
  Configure("local", peer.url());
  for (int i = 0; i < 3; ++i) {
    Running<lm::Response> running = Generate("local/org/m");
    const absl::StatusOr<lm::Response> response = running.Get();
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->completions[0].text, "Because.");
    EXPECT_EQ(response->model, "m-2");
    EXPECT_EQ(response->provider_request_id, "req-7");
    EXPECT_EQ(response->usage.output_tokens, 2);
    ASSERT_EQ(running.record().attempts.size(), 1u);
    EXPECT_LT(running.record().attempts[0].first, running.record().attempts[0].second);
  }
  const auto rendered = models_->Find("local/org/m").value()->Render(request_).value();
  EXPECT_EQ(rendered.url, peer.url() + "/chat/completions");
  EXPECT_EQ(rendered.body,
            R"({"model":"org/m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Why?"}],)"
            R"("max_tokens":5})");
  ASSERT_EQ(received.size(), 3u);
  for (const std::string& request : received) {
    EXPECT_EQ(request.substr(request.find("\r\n\r\n") + 4), rendered.body);
    EXPECT_NE(request.find("Authorization: Bearer the-key\r\n"), std::string::npos);
    EXPECT_EQ(request.find("POST /v1/chat/completions HTTP/1.1\r\n"), 0u);
  }
  EXPECT_EQ(observer_.seen(), std::vector<std::string>(3, "local org/m ok 3+2"));
  EXPECT_GT(models_->prefix_cache_bytes(), 0u);
  ASSERT_EQ(models_->endpoint_stats().size(), 1u);
  EXPECT_EQ(models_->endpoint_stats()[0].first, "local");
  EXPECT_EQ(models_->endpoint_stats()[0].second.pool.idle, 1);
}

TEST_F(ProviderStackTest, OpenAisOwnLimitOnTokens) {
  Configure("openai", "https://api.openai.com/v1/");
  const auto rendered = models_->Find("openai/gpt-5").value()->Render(request_).value();
  EXPECT_EQ(rendered.url, "https://api.openai.com/v1/chat/completions");
  EXPECT_NE(rendered.body.find("\"max_completion_tokens\":5"), std::string::npos) << rendered.body;
}

TEST_F(ProviderStackTest, ErrorsNameTheModel) {
  const std::vector<std::string> answers = {
      "HTTP/1.1 401 No\r\nContent-Type: application/json\r\nContent-Length: "
      "31\r\n\r\n{\"error\":{\"message\":\"the-key?\"}}",
      "HTTP/1.1 429 Slow\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"choices",
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"};
  const std::vector<std::string> outcomes = {"provider_auth", "provider_rate_limited", "provider_malformed_response",
                                             "provider_unreachable"};
  for (std::size_t i = 0; i < answers.size(); ++i) {
    Peer peer([&](PeerConnection& connection, int) {
      connection.ReadRequest();
      connection.Write(answers[i]);
    });
    Configure("local", peer.url());
    const absl::Status status = Generate("local/m").Get().status();
    EXPECT_EQ(absl::AsciiStrToLower(ErrorReason(status)), outcomes[i]) << status;
    EXPECT_EQ(ErrorMetadata(status, "provider"), "local") << status;
    EXPECT_EQ(ErrorMetadata(status, "model"), "m") << status;
    EXPECT_EQ(status.message().find("the-key"), absl::string_view::npos) << status;
    EXPECT_EQ(observer_.seen().back(), "local m " + outcomes[i] + " 0+0");
  }
}

TEST_F(ProviderStackTest, FindsModelsByName) {
  Configure("local", "http://127.0.0.1:1");
  EXPECT_EQ(models_->Find("local/a").value(), models_->Find("local/a").value());
  EXPECT_NE(models_->Find("local/a").value(), models_->Find("local/b").value());
  EXPECT_EQ(models_->Find("local/a").value()->name(), "local/a");
  const absl::Status unknown = models_->Find("other/a").status();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(unknown), reason::kUnknownProvider);
  EXPECT_EQ(ErrorMetadata(unknown, "provider"), "other");
  EXPECT_NE(unknown.message().find("local"), absl::string_view::npos) << unknown;
  for (const std::string& name : {std::string("gpt"), std::string("/x"), std::string("local/"), std::string(),
                                  std::string("local/a\nb"), "local/" + std::string(300, 'x')}) {
    EXPECT_EQ(ErrorReason(models_->Find(name).status()), reason::kInvalidRequest) << name;
  }
  // Names come from users: many of them neither fail nor pile up.
  for (int i = 0; i < 3000; ++i) EXPECT_TRUE(models_->Find("local/" + std::to_string(i)).ok());
}

TEST_F(ProviderStackTest, BadSettingsAreToldOfAtStart) {
  const auto create = [this](EndpointSettings endpoint, const std::string& ca_file = "") {
    StackSettings stack;
    ProviderSettings& settings = stack.providers.emplace_back();
    settings.name = "local";
    settings.ca_file = ca_file;
    settings.endpoints.push_back(std::move(endpoint));
    return ConfiguredLanguageModels::Create(std::move(stack), observer_, scope_, time_).status();
  };
  absl::Status status = create({.base_url = "ftp://user:secret@host", .api_key = ""});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("providers.local"), absl::string_view::npos) << status;
  EXPECT_EQ(status.message().find("secret"), absl::string_view::npos) << status;
  status = create({.base_url = "https://host", .api_key = ""}, "/no/such/file");
  EXPECT_NE(status.message().find("/no/such/file"), absl::string_view::npos) << status;
  status = create({.base_url = "https://host", .api_key = "line\nbreak"});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace dspex
