#include "server/config/provider_settings.h"

#include <gtest/gtest.h>

#include <chrono>

namespace dspex {
namespace {

TEST(ToProviderSettings, CarriesEverySetting) {
  const auto config = ReadConfig(R"(
providers:
  a:
    base_url: https://h/v1
    api_key_env: A
    max_connections: 7
    timeouts: {connect: 1ms, first_byte: 2s, idle: 3s, total: 1h}
    breaker: {window: 7, failure_percent: 0, open_for: 9s}
    retry: {max_attempts: 5, base_delay: 2s, max_delay: 1m}
    ca_file: /ca.pem
    max_response_bytes: 5000
    models:
      "m*": {json_schema: true, tools: false}
    limits: {requests_per_minute: 500, tokens_per_minute: 30000}
    prices:
      "m*": {input: 0.15, output: "0.6", cached_input: 0.075}
)",
                                 "f.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  const auto resolved = Resolve(*config, [](const std::string&) { return "sk-a"; });
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  const std::vector<ProviderSettings> settings = ToProviderSettings(*resolved);
  ASSERT_EQ(settings.size(), 1u);
  EXPECT_EQ(settings[0].name, "a");
  EXPECT_EQ(settings[0].kind, config::v1::PROVIDER_KIND_OPENAI);
  EXPECT_EQ(settings[0].base_url, "https://h/v1");
  EXPECT_EQ(settings[0].api_key, "sk-a");
  EXPECT_EQ(settings[0].max_connections, 7);
  EXPECT_EQ(settings[0].timeouts.connect, std::chrono::milliseconds(1));
  EXPECT_EQ(settings[0].timeouts.first_byte, std::chrono::seconds(2));
  EXPECT_EQ(settings[0].timeouts.idle, std::chrono::seconds(3));
  EXPECT_EQ(settings[0].timeouts.total, std::chrono::hours(1));
  EXPECT_EQ(settings[0].breaker.window, 7);
  EXPECT_EQ(settings[0].breaker.failure_percent, 0);
  EXPECT_EQ(settings[0].breaker.open_for, std::chrono::seconds(9));
  EXPECT_EQ(settings[0].retry.max_attempts, 5);
  EXPECT_EQ(settings[0].retry.base_delay, std::chrono::seconds(2));
  EXPECT_EQ(settings[0].retry.max_delay, std::chrono::minutes(1));
  EXPECT_EQ(settings[0].ca_file, "/ca.pem");
  EXPECT_EQ(settings[0].max_response_bytes, 5000u);
  ASSERT_EQ(settings[0].models.size(), 1u);
  EXPECT_EQ(settings[0].models[0].pattern, "m*");
  EXPECT_EQ(settings[0].models[0].json_schema, true);
  EXPECT_EQ(settings[0].models[0].tools, false);
  EXPECT_FALSE(settings[0].models[0].images.has_value());
  EXPECT_EQ(settings[0].limits.requests_per_minute, 500);
  EXPECT_EQ(settings[0].limits.tokens_per_minute, 30'000);
  ASSERT_EQ(settings[0].prices.size(), 1u);
  EXPECT_EQ(settings[0].prices[0].pattern, "a/m*");
  EXPECT_EQ(settings[0].prices[0].price.input, ParsePriceOfMillion("0.15"));
  EXPECT_EQ(settings[0].prices[0].price.output, ParsePriceOfMillion("0.6"));
  EXPECT_EQ(settings[0].prices[0].price.cached_input, ParsePriceOfMillion("0.075"));
  EXPECT_FALSE(settings[0].prices[0].price.cache_write.has_value());
}

}  // namespace
}  // namespace dspex
