#include "server/config/config.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <string>

#include "server/config/proto_from_yaml.h"

namespace dspex {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Environment Fake(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

std::string ReadError(const std::string& text) {
  const auto config = ReadConfig(text, "f.yaml");
  EXPECT_FALSE(config.ok()) << text;
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(config.status().message());
}

std::string ResolveError(const std::string& text, const Environment& environment = Fake({})) {
  const auto config = ReadConfig(text, "f.yaml");
  EXPECT_TRUE(config.ok()) << config.status();
  const auto resolved = Resolve(*config, environment);
  EXPECT_FALSE(resolved.ok()) << text;
  EXPECT_EQ(resolved.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(resolved.status().message());
}

ResolvedConfig MustResolve(const std::string& text, const Environment& environment = Fake({})) {
  const auto config = ReadConfig(text, "f.yaml");
  EXPECT_TRUE(config.ok()) << config.status();
  auto resolved = Resolve(*config, environment);
  EXPECT_TRUE(resolved.ok()) << resolved.status();
  return *std::move(resolved);
}

TEST(ReadConfig, ReadsEveryKindOfValue) {
  const auto config = ReadConfig(R"(
listen: 0.0.0.0:50051
default_lm: "local/llama"
providers:
  local:
    kind: openai
    base_url: http://127.0.0.1:8080/v1
    max_connections: 12
    max_response_bytes: 8589934592
    timeouts: {connect: 250ms, total: 1m30s}
limits:
log:
  access: false
)",
                                 "f.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->listen(), "0.0.0.0:50051");
  EXPECT_EQ(config->default_lm(), "local/llama");
  const auto& provider = config->providers().at("local");
  EXPECT_EQ(provider.kind(), config::v1::PROVIDER_KIND_OPENAI);
  EXPECT_EQ(provider.max_connections(), 12);
  EXPECT_EQ(provider.max_response_bytes(), 8589934592);
  EXPECT_EQ(provider.timeouts().connect().nanos(), 250'000'000);
  EXPECT_EQ(provider.timeouts().total().seconds(), 90);
  EXPECT_FALSE(provider.timeouts().has_idle());
  EXPECT_TRUE(config->log().has_access());
  EXPECT_FALSE(config->log().access());
}

TEST(ReadConfig, AnUnknownKeyIsAnErrorWithItsPlaceAndTheNearestKey) {
  EXPECT_EQ(ReadError("listen: a:1\nlimits:\n  max_inflight: 3\n"),
            "f.yaml:3:3: unknown key 'max_inflight'. Did you mean 'max_in_flight'?");
  EXPECT_EQ(ReadError("drain: {grace: 3s}\n"), "f.yaml:1:9: unknown key 'grace'. Known here: lame_duck, time_limit.");
}

TEST(ReadConfig, AnUnknownKeyDoesNotShowItsValue) {
  EXPECT_THAT(ReadError("providers: {openai: {api_key: sk-secret}}"),
              AllOf(HasSubstr("unknown key 'api_key'"), Not(HasSubstr("sk-secret"))));
}

TEST(ReadConfig, AValueOfAnotherTypeIsAnErrorWithItsPlace) {
  EXPECT_EQ(ReadError("io_threads: many\n"), "f.yaml:1:13: 'many' must be a whole number of at most 32 bits");
  EXPECT_EQ(ReadError("io_threads: 4294967296\n"),
            "f.yaml:1:13: '4294967296' must be a whole number of at most 32 bits");
  EXPECT_EQ(ReadError("io_threads: \"4\"\n"), "f.yaml:1:13: '4' must be a whole number of at most 32 bits");
  EXPECT_EQ(ReadError("io_threads: 0\n"), "f.yaml:1:13: '0' must not be 0; remove the key for the default");
  EXPECT_EQ(ReadError("io_threads: [4]\n"), "f.yaml:1:13: this needs a single value");
  EXPECT_EQ(ReadError("listen:\n"), "f.yaml:1:1: this has no value; give one or remove the key");
  EXPECT_EQ(ReadError("listen: ''\n"), "f.yaml:1:9: '' is empty; give a value or remove the key");
  EXPECT_EQ(ReadError("log: {access: yes}\n"), "f.yaml:1:15: 'yes' must be true or false");
  EXPECT_EQ(ReadError("log: info\n"), "f.yaml:1:6: 'info' needs keys and values below it");
  EXPECT_EQ(ReadError("- listen\n"), "f.yaml:1:1: this needs keys and values below it");
  EXPECT_EQ(ReadError("providers: [openai]\n"), "f.yaml:1:12: this needs names with values below them");
  EXPECT_EQ(ReadError("providers: {x: {kind: OPENAI}}\n"),
            "f.yaml:1:23: 'OPENAI' must be one of: openai, openai_responses, anthropic");
  EXPECT_EQ(ReadError("drain: {time_limit: 30}\n"), "f.yaml:1:21: '30' must be a duration such as 30s, 250ms or 1m30s");
}

TEST(ReadConfigFile, NamesAFileThatCannotBeRead) {
  for (const char* path : {"/nonexistent/dspex.yaml", "/"}) {
    const auto config = ReadConfigFile(path);
    ASSERT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(config.status().message()), AllOf(HasSubstr(path), HasSubstr("Check --config")));
  }
}

TEST(ParseDuration, AcceptsUnitsAndRefusesTheRest) {
  EXPECT_EQ(ParseDuration("1h30m")->seconds(), 5400);
  EXPECT_EQ(ParseDuration("0s")->seconds(), 0);
  EXPECT_EQ(ParseDuration("1.5s")->nanos(), 500'000'000);
  EXPECT_TRUE(ParseDuration("24h").ok());
  for (const char* text : {"", "5", "-1s", "inf", "25h", "1d", "s", "1 s", "99999999999999999999h"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(Resolve, NoConfigurationIsValidAndHasTheDocumentedDefaults) {
  const ResolvedConfig resolved = MustResolve("");
  const auto& settings = resolved.settings;
  EXPECT_EQ(settings.listen(), "127.0.0.1:50051");
  EXPECT_EQ(settings.metrics_listen(), "127.0.0.1:9464");
  EXPECT_EQ(settings.data_dir(), "dspex-data");
  EXPECT_EQ(settings.limits().max_in_flight(), 4096);
  EXPECT_EQ(settings.limits().max_request_bytes(), 16 << 20);
  EXPECT_EQ(settings.limits().max_in_flight_bytes(), 1 << 30);
  EXPECT_EQ(settings.limits().forward_timeout().seconds(), 300);
  EXPECT_EQ(settings.drain().time_limit().seconds(), 30);
  EXPECT_TRUE(settings.log().access());
  EXPECT_GE(settings.io_threads(), 1);
  EXPECT_TRUE(resolved.providers.empty());
}

TEST(Resolve, TheEnvironmentMakesAProviderWhereNoneIsConfigured) {
  const ResolvedConfig keyed = MustResolve("default_lm: openai/m", Fake({{"OPENAI_API_KEY", "sk-1"}}));
  ASSERT_EQ(keyed.providers.size(), 1u);
  EXPECT_EQ(keyed.providers[0].name, "openai");
  EXPECT_EQ(keyed.providers[0].api_key, "sk-1");
  EXPECT_EQ(keyed.providers[0].settings.base_url(), "https://api.openai.com/v1");
  EXPECT_EQ(keyed.providers[0].settings.max_connections(), 256);

  const ResolvedConfig local = MustResolve("", Fake({{"OPENAI_BASE_URL", "http://127.0.0.1:1/v1"}}));
  ASSERT_EQ(local.providers.size(), 1u);
  EXPECT_EQ(local.providers[0].api_key, "");
  EXPECT_EQ(local.providers[0].settings.base_url(), "http://127.0.0.1:1/v1");

  EXPECT_TRUE(MustResolve("", Fake({{"OPENAI_API_KEY", ""}})).providers.empty());

  const ResolvedConfig both = MustResolve("", Fake({{"OPENAI_API_KEY", "sk-1"}, {"ANTHROPIC_API_KEY", "sk-2"}}));
  ASSERT_EQ(both.providers.size(), 2u);
  EXPECT_EQ(both.providers[0].name, "anthropic");
  EXPECT_EQ(both.providers[0].api_key, "sk-2");
  EXPECT_EQ(both.providers[0].settings.kind(), config::v1::PROVIDER_KIND_ANTHROPIC);
  EXPECT_EQ(both.providers[0].settings.base_url(), "https://api.anthropic.com/v1");
  EXPECT_EQ(both.providers[1].settings.kind(), config::v1::PROVIDER_KIND_OPENAI);

  const ResolvedConfig configured =
      MustResolve("providers: {local: {base_url: 'http://h/v1'}}", Fake({{"OPENAI_API_KEY", "sk-1"}}));
  ASSERT_EQ(configured.providers.size(), 1u);
  EXPECT_EQ(configured.providers[0].name, "local");
}

TEST(Resolve, TheDialectDecidesWhereAProviderIs) {
  const ResolvedConfig resolved = MustResolve(
      "providers:\n  a: {kind: anthropic}\n  anthropic: {kind: openai}\n  b: {kind: openai_responses}\n"
      "  c: {kind: anthropic, base_url: 'http://h/v1'}\n");
  ASSERT_EQ(resolved.providers.size(), 4u);
  EXPECT_EQ(resolved.providers[0].settings.base_url(), "https://api.anthropic.com/v1");
  EXPECT_EQ(resolved.providers[1].settings.base_url(), "https://api.openai.com/v1");
  EXPECT_EQ(resolved.providers[2].settings.base_url(), "https://api.openai.com/v1");
  EXPECT_EQ(resolved.providers[3].settings.base_url(), "http://h/v1");
}

TEST(Resolve, ReadsKeysByNameOfVariableOrFile) {
  const std::string path = testing::TempDir() + "/key";
  std::ofstream(path) << "  sk-from-file\n";
  const ResolvedConfig resolved = MustResolve(
      "providers:\n  a: {api_key_env: A_KEY}\n  b: {api_key_file: " + path + "}\n", Fake({{"A_KEY", "sk-a\n"}}));
  ASSERT_EQ(resolved.providers.size(), 2u);
  EXPECT_EQ(resolved.providers[0].api_key, "sk-a");
  EXPECT_EQ(resolved.providers[1].api_key, "sk-from-file");
}

TEST(Resolve, ErrorsOfKeysNameTheSourceAndNeverTheValue) {
  EXPECT_EQ(ResolveError("providers: {a: {api_key_env: A_KEY}}"),
            "the key of provider 'a': the environment variable A_KEY is not set; set it.");
  EXPECT_EQ(ResolveError("providers: {a: {api_key_env: A_KEY}}", Fake({{"A_KEY", " "}})),
            "the key of provider 'a': the environment variable A_KEY is empty.");
  EXPECT_THAT(ResolveError("providers: {a: {api_key_env: A_KEY}}", Fake({{"A_KEY", "sk-1\r\nX: y"}})),
              AllOf(HasSubstr("A_KEY"), Not(HasSubstr("sk-1"))));
  EXPECT_THAT(ResolveError("providers: {a: {api_key_file: /nonexistent/key}}"), HasSubstr("/nonexistent/key"));
  EXPECT_THAT(ResolveError("providers: {a: {api_key_env: sk-proj-1}}"),
              AllOf(HasSubstr("providers.a.api_key_env"), Not(HasSubstr("sk-proj-1"))));
}

TEST(Resolve, RefusesValuesOutOfRangeByTheirPath) {
  EXPECT_EQ(ResolveError("listen: 50051"),
            "configuration: listen is '50051'; it must be host:port, for example 127.0.0.1:50051");
  EXPECT_THAT(ResolveError("listen: 'h:65536'"), HasSubstr("listen"));
  EXPECT_THAT(ResolveError("listen: '::1:80'"), HasSubstr("listen"));
  EXPECT_THAT(ResolveError("metrics_listen: 'none'"), HasSubstr("metrics_listen"));
  EXPECT_THAT(ResolveError("default_lm: gpt-4o"), HasSubstr("default_lm is 'gpt-4o'"));
  EXPECT_EQ(ResolveError("limits: {max_in_flight: -1}"),
            "configuration: limits.max_in_flight is -1; it must be from 1 to 1000000");
  EXPECT_EQ(ResolveError("limits: {max_request_bytes: 2048, max_in_flight_bytes: 2047}"),
            "configuration: limits.max_in_flight_bytes is 2047; it must be from 2048 to 1099511627776");
  EXPECT_THAT(ResolveError("limits: {forward_timeout: 0s}"), HasSubstr("limits.forward_timeout"));
  EXPECT_THAT(ResolveError("providers: {a: {base_url: localhost}}"), HasSubstr("providers.a.base_url"));
  EXPECT_THAT(ResolveError("providers: {a/b: {}}"), HasSubstr("providers.a/b is no name"));
  EXPECT_THAT(ResolveError("providers: {a: {timeouts: {idle: 0s}}}"), HasSubstr("providers.a.timeouts.idle"));
  EXPECT_THAT(ResolveError("providers: {a: {api_key_env: A, api_key_file: b}}"), HasSubstr("remove one of them"));
  EXPECT_THAT(ResolveError("drain: {lame_duck: 40s}"), HasSubstr("drain.time_limit"));
  EXPECT_THAT(ResolveError("log: {level: loud}"), HasSubstr("log.level is 'loud'"));
  EXPECT_THAT(ResolveError("io_threads: 5000"), HasSubstr("io_threads"));
  EXPECT_THAT(ResolveError("cache: {max_bytes: -1}"), HasSubstr("cache.max_bytes is -1"));
  EXPECT_THAT(ResolveError("providers: {a: {limits: {tokens_per_minute: -1}}}"),
              HasSubstr("providers.a.limits.tokens_per_minute is -1"));
  for (const char* price : {"free", "-1", ".5", "1.", "0.0000001", "1e3", "1234567"}) {
    EXPECT_THAT(ResolveError(absl::StrCat("providers: {a: {prices: {'gpt-*': {output: '", price, "'}}}}")),
                HasSubstr(absl::StrCat("providers.a.prices.gpt-*.output is '", price, "'")));
  }
}

TEST(Resolve, AcceptsOffPortZeroAndIpv6) {
  const ResolvedConfig resolved = MustResolve("listen: '[::1]:0'\nmetrics_listen: off\n");
  EXPECT_EQ(resolved.settings.listen(), "[::1]:0");
  EXPECT_EQ(resolved.settings.metrics_listen(), "off");
}

TEST(Resolve, ADefaultModelWithoutItsProviderSaysWhatToSet) {
  EXPECT_THAT(ResolveError("default_lm: openai/gpt-4o-mini"), HasSubstr("Set OPENAI_API_KEY or OPENAI_BASE_URL"));
  EXPECT_THAT(ResolveError("default_lm: anthropic/claude-x", Fake({{"OPENAI_API_KEY", "sk-1"}})),
              HasSubstr("Set ANTHROPIC_API_KEY, or add it below providers."));
  EXPECT_THAT(ResolveError("{default_lm: x/y, providers: {a: {}}}"), HasSubstr("no provider 'x'"));
}

TEST(ApplyDefaults, ChangesNothingThatIsSet) {
  const ResolvedConfig once = MustResolve("providers: {a: {}}\ndrain: {time_limit: 5s}\nlog: {access: false}");
  config::v1::Config twice = once.settings;
  ApplyDefaults(twice);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(once.settings, twice));
  EXPECT_EQ(twice.drain().time_limit().seconds(), 5);
  EXPECT_FALSE(twice.log().access());
}

}  // namespace
}  // namespace dspex
