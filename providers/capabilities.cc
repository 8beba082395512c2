#include "providers/capabilities.h"

#include <algorithm>
#include <utility>

#include "providers/pattern.h"

namespace dspex {

namespace {

// Facts from the model metadata that DSPy 3.4.1 ships (LiteLLM's public table); tests/conformance compares the two.
struct KnownModels {
  absl::string_view provider;
  absl::string_view pattern;
  lm::Capabilities capabilities;
};

constexpr lm::Capabilities kJsonMode = {.images = true, .response_format = true, .tools = true};
constexpr lm::Capabilities kSchema = {.images = true, .response_format = true, .json_schema = true, .tools = true};
constexpr lm::Capabilities kReasoning = {
    .images = true, .response_format = true, .json_schema = true, .tools = true, .reasoning = true};

constexpr lm::Capabilities kReasoningJsonMode = {
    .images = true, .response_format = true, .tools = true, .reasoning = true};

constexpr KnownModels kKnown[] = {
    {"openai", "gpt-3.5-turbo*", kSchema},
    {"openai", "gpt-4", kJsonMode},
    {"openai", "gpt-4-*", kJsonMode},
    {"openai", "gpt-4.1*", kSchema},
    {"openai", "gpt-4o", kSchema},
    {"openai", "gpt-4o-20*", kSchema},
    {"openai", "gpt-4o-mini", kSchema},
    {"openai", "gpt-4o-mini-20*", kSchema},
    {"openai", "gpt-5*", kReasoning},
    {"openai", "o1", kReasoning},
    {"openai", "o1-20*", kReasoning},
    {"openai", "o3*", kReasoning},
    {"openai", "o4-mini*", kReasoning},
    // DSPy holds every Claude model able to do all; the API takes a schema from 4.5 on, and thinks from 3.7 on.
    {"anthropic", "claude-*", kReasoning},
    {"anthropic", "claude-3-*", kJsonMode},
    {"anthropic", "claude-3-7-*", kReasoningJsonMode},
    {"anthropic", "claude-sonnet-4-0*", kReasoningJsonMode},
    {"anthropic", "claude-sonnet-4-20*", kReasoningJsonMode},
    {"anthropic", "claude-opus-4-0*", kReasoningJsonMode},
    {"anthropic", "claude-opus-4-20*", kReasoningJsonMode},
    {"anthropic", "claude-opus-4-1*", kReasoningJsonMode},
};

void Apply(const CapabilityRule& rule, lm::Capabilities& capabilities) {
  capabilities.images = rule.images.value_or(capabilities.images);
  capabilities.response_format = rule.response_format.value_or(capabilities.response_format);
  capabilities.json_schema = rule.json_schema.value_or(capabilities.json_schema);
  capabilities.tools = rule.tools.value_or(capabilities.tools);
  capabilities.reasoning = rule.reasoning.value_or(capabilities.reasoning);
}

}  // namespace

lm::Capabilities CapabilitiesOf(absl::string_view provider, absl::string_view model,
                                const std::vector<CapabilityRule>& configured) {
  lm::Capabilities capabilities;
  std::size_t longest = 0;
  for (const KnownModels& known : kKnown) {
    if (known.provider != provider || known.pattern.size() < longest || !MatchesPattern(known.pattern, model)) continue;
    longest = known.pattern.size();
    capabilities = known.capabilities;
  }
  std::vector<const CapabilityRule*> matching;
  for (const CapabilityRule& rule : configured) {
    if (MatchesPattern(rule.pattern, model)) matching.push_back(&rule);
  }
  std::sort(matching.begin(), matching.end(),
            [](const CapabilityRule* a, const CapabilityRule* b) { return IsMoreSpecific(b->pattern, a->pattern); });
  for (const CapabilityRule* rule : matching) Apply(*rule, capabilities);
  return capabilities;
}

}  // namespace dspex
