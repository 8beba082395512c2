#include "providers/capabilities.h"

#include <gtest/gtest.h>

namespace dspex {
namespace {

TEST(CapabilitiesTest, WellKnownModels) {
  EXPECT_EQ(CapabilitiesOf("openai", "gpt-4o-mini"),
            (lm::Capabilities{.images = true, .response_format = true, .json_schema = true, .tools = true}));
  EXPECT_FALSE(CapabilitiesOf("openai", "gpt-4").json_schema);
  EXPECT_TRUE(CapabilitiesOf("openai", "gpt-4").response_format);
  EXPECT_TRUE(CapabilitiesOf("openai", "gpt-5-mini").reasoning);
  EXPECT_TRUE(CapabilitiesOf("anthropic", "claude-sonnet-4-5-20250929").json_schema);
  EXPECT_TRUE(CapabilitiesOf("anthropic", "claude-sonnet-4-5-20250929").reasoning);
  EXPECT_FALSE(CapabilitiesOf("anthropic", "claude-opus-4-1-20250805").json_schema);
  EXPECT_TRUE(CapabilitiesOf("anthropic", "claude-opus-4-1-20250805").reasoning);
  EXPECT_FALSE(CapabilitiesOf("anthropic", "claude-3-haiku-20240307").reasoning);
  EXPECT_TRUE(CapabilitiesOf("anthropic", "claude-3-haiku-20240307").tools);
}

TEST(CapabilitiesTest, NothingIsSupposedOfOthers) {
  EXPECT_EQ(CapabilitiesOf("openai", "mock"), lm::Capabilities());
  EXPECT_EQ(CapabilitiesOf("local", "gpt-4o-mini"), lm::Capabilities());
  EXPECT_EQ(CapabilitiesOf("openai", "my-gpt-4o-mini"), lm::Capabilities());
}

TEST(CapabilitiesTest, TheConfigurationAddsAndTakesAway) {
  const std::vector<CapabilityRule> rules = {{.pattern = "llama-3*", .json_schema = true},
                                             {.pattern = "*", .response_format = true, .json_schema = false}};
  EXPECT_EQ(CapabilitiesOf("local", "llama-3.2", rules),
            (lm::Capabilities{.response_format = true, .json_schema = true}));
  EXPECT_EQ(CapabilitiesOf("local", "other", rules), (lm::Capabilities{.response_format = true}));
  EXPECT_FALSE(CapabilitiesOf("openai", "gpt-4o", {{.pattern = "gpt-4o", .json_schema = false}}).json_schema);
}

TEST(CapabilitiesTest, StarsStandForAnyText) {
  const auto matches = [](const char* pattern, const char* model) {
    return CapabilitiesOf("p", model, {{.pattern = pattern, .tools = true}}).tools;
  };
  EXPECT_TRUE(matches("a*b*c", "a-b-b-c"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("ab**", "ab"));
  EXPECT_FALSE(matches("a*b*c", "a-c-b"));
  EXPECT_FALSE(matches("ab", "abc"));
  EXPECT_FALSE(matches("abc", "ab"));
}

}  // namespace
}  // namespace dspex
