#pragma once

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "tests/mock_llm/server.h"
#include "tests/mock_llm/test_client.h"

namespace dspex::mock_llm {

/// The server as a test sees it: in a thread of its own, spoken to over sockets only.
class MockLlmTest : public testing::Test {
 protected:
  void SetUp() override { Start({}); }
  void TearDown() override { Stop(); }

  void Start(const Options& options) {
    context_ = std::make_unique<boost::asio::io_context>(1);
    auto server = Server::Start(*context_, options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    port_ = server_->port();
    thread_ = std::thread([this] { context_->run(); });
  }

  void Stop() {
    if (!thread_.joinable()) return;
    boost::asio::post(*context_, [this] { server_->Stop(); });
    thread_.join();
    server_.reset();
    context_.reset();
  }

  nlohmann::json Control(const std::string& method, const std::string& target, const std::string& body = "") {
    const ClientResponse response = TestClient(port_).Call(method, target, body);
    EXPECT_EQ(response.status, 200) << response.body;
    return nlohmann::json::parse(response.body);
  }

  void Script(const nlohmann::json& rules) { Control("PUT", "/_mock/script", rules.dump()); }

  void Wait(const std::string& event, int count) {
    const nlohmann::json answer = Control("GET", absl::StrCat("/_mock/wait?event=", event, "&count=", count));
    ASSERT_TRUE(answer["reached"].get<bool>()) << event << " " << answer;
  }

  nlohmann::json LastConnection() { return Control("GET", "/_mock/connections")["connections"].back(); }
  nlohmann::json LastRequest() { return Control("GET", "/_mock/requests")["requests"].back(); }

  ClientResponse Ask(const std::string& user = "hello", const std::string& headers = "") {
    return TestClient(port_).Call("POST", "/v1/chat/completions", Body(user), headers);
  }

  std::string Answer(const std::string& user = "hello", const std::string& headers = "") {
    const ClientResponse response = Ask(user, headers);
    const nlohmann::json body = nlohmann::json::parse(response.body, nullptr, false);
    return body.contains("choices") ? body["choices"][0]["message"]["content"].get<std::string>() : response.body;
  }

  static std::string Body(const std::string& user) {
    return nlohmann::json{
        {"model", "gpt-test"},
        {"messages", {{{"role", "system"}, {"content", "Be brief."}}, {{"role", "user"}, {"content", user}}}}}
        .dump();
  }

  std::unique_ptr<boost::asio::io_context> context_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
  uint16_t port_ = 0;
};

}  // namespace dspex::mock_llm
