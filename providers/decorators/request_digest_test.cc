#include "providers/decorators/request_digest.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace dspex {
namespace {

/// A call, as a test changes it.
struct Changed {
  std::string tenant = "tenant";
  std::string configuration = "chain";
  int sample = 0;
  std::vector<lm::Message> prefix = {lm::Message::Text(lm::Role::kSystem, "Be brief.")};
  std::vector<lm::Part> parts = {
      lm::TextPart{"text"},
      lm::ImagePart{"url", "low"},
      lm::AudioPart{"data", "wav"},
      lm::FilePart{"data", "id", "name"},
      lm::DocumentPart{"data", "text/plain", "title", "context"},
      lm::BlockPart{"{}"},
      lm::ToolCallPart{"id", "name", "{}"},
      lm::ToolResultPart{"id", "content", false, "name"},
      lm::ReasoningPart{"anthropic", "{}"},
  };
  lm::Role role = lm::Role::kUser;
  std::vector<lm::Message> more_turns;
  lm::Options options = {
      .temperature = 0.5,
      .top_p = 0.5,
      .max_tokens = 100,
      .stop = {"a", "b"},
      .seed = 1,
      .frequency_penalty = 0.5,
      .presence_penalty = 0.5,
      .reasoning_effort = "low",
      .response_format = {lm::ResponseFormat::Kind::kJsonSchema, "name", std::make_shared<const std::string>("{}")},
      .tools = {{"name", "description", "{}"}},
      .parallel_tool_calls = true,
      .store = true,
      .logprobs = true,
      .top_logprobs = 3,
      .rollout_id = 1};

  RequestDigest Digest() const {
    RequestDigester digester(configuration);
    RequestRecord record;
    record.tenant = tenant;
    RequestContext context(record, kNoDeadline);
    context.set_sample(sample);
    lm::Request request;
    request.prefix = std::make_shared<lm::Prefix>(prefix);
    request.turns.push_back({role, parts});
    request.turns.insert(request.turns.end(), more_turns.begin(), more_turns.end());
    request.options = std::make_shared<lm::Options>(options);
    return digester.Of(context, request);
  }
};

using Change = std::function<void(Changed&)>;

template <typename P>
Change Part(std::size_t index, std::function<void(P&)> change) {
  return [index, change](Changed& c) { change(std::get<P>(c.parts[index])); };
}

std::vector<Change> ChangesOfParts() {
  return {
      Part<lm::TextPart>(0, [](auto& p) { p.text = "x"; }),
      Part<lm::ImagePart>(1, [](auto& p) { p.url = "x"; }),
      Part<lm::ImagePart>(1, [](auto& p) { p.detail = "x"; }),
      Part<lm::AudioPart>(2, [](auto& p) { p.data = "x"; }),
      Part<lm::AudioPart>(2, [](auto& p) { p.format = "x"; }),
      Part<lm::FilePart>(3, [](auto& p) { p.data = "x"; }),
      Part<lm::FilePart>(3, [](auto& p) { p.file_id = "x"; }),
      Part<lm::FilePart>(3, [](auto& p) { p.filename = "x"; }),
      Part<lm::DocumentPart>(4, [](auto& p) { p.data = "x"; }),
      Part<lm::DocumentPart>(4, [](auto& p) { p.media_type = "x"; }),
      Part<lm::DocumentPart>(4, [](auto& p) { p.title = "x"; }),
      Part<lm::DocumentPart>(4, [](auto& p) { p.context = "x"; }),
      Part<lm::BlockPart>(5, [](auto& p) { p.json = "x"; }),
      Part<lm::ToolCallPart>(6, [](auto& p) { p.id = "x"; }),
      Part<lm::ToolCallPart>(6, [](auto& p) { p.name = "x"; }),
      Part<lm::ToolCallPart>(6, [](auto& p) { p.arguments = "x"; }),
      Part<lm::ToolResultPart>(7, [](auto& p) { p.id = "x"; }),
      Part<lm::ToolResultPart>(7, [](auto& p) { p.content = "x"; }),
      Part<lm::ToolResultPart>(7, [](auto& p) { p.is_error = true; }),
      Part<lm::ToolResultPart>(7, [](auto& p) { p.name = "x"; }),
      Part<lm::ReasoningPart>(8, [](auto& p) { p.dialect = "x"; }),
      Part<lm::ReasoningPart>(8, [](auto& p) { p.json = "x"; }),
      [](Changed& c) { c.parts.pop_back(); },
      [](Changed& c) { std::swap(c.parts[0], c.parts[1]); },
      // The same texts in a part of another kind.
      [](Changed& c) { c.parts[0] = lm::BlockPart{"text"}; },
      // The same bytes, cut elsewhere.
      [](Changed& c) { c.parts[1] = lm::ImagePart{"urll", "ow"}; },
  };
}

std::vector<Change> ChangesOfOptions() {
  return {
      [](Changed& c) { c.options.temperature = 0.25; },
      [](Changed& c) { c.options.temperature.reset(); },
      [](Changed& c) { c.options.top_p = 0.25; },
      [](Changed& c) { c.options.max_tokens = 101; },
      [](Changed& c) { c.options.stop = {"ab"}; },
      [](Changed& c) { c.options.stop = {"a", "b", ""}; },
      [](Changed& c) { c.options.seed = 2; },
      [](Changed& c) { c.options.frequency_penalty = 0.25; },
      [](Changed& c) { c.options.presence_penalty = 0.25; },
      [](Changed& c) { c.options.reasoning_effort = "high"; },
      [](Changed& c) { c.options.response_format.kind = lm::ResponseFormat::Kind::kJsonObject; },
      [](Changed& c) { c.options.response_format.name = "x"; },
      [](Changed& c) { c.options.response_format.schema = std::make_shared<const std::string>("[]"); },
      [](Changed& c) { c.options.response_format.schema = nullptr; },
      [](Changed& c) { c.options.tools[0].name = "x"; },
      [](Changed& c) { c.options.tools[0].description = "x"; },
      [](Changed& c) { c.options.tools[0].parameters = "x"; },
      [](Changed& c) { c.options.tools.clear(); },
      [](Changed& c) { c.options.parallel_tool_calls = false; },
      [](Changed& c) { c.options.parallel_tool_calls.reset(); },
      [](Changed& c) { c.options.store = false; },
      [](Changed& c) { c.options.store.reset(); },
      [](Changed& c) { c.options.logprobs = false; },
      [](Changed& c) { c.options.logprobs.reset(); },
      [](Changed& c) { c.options.top_logprobs = 4; },
      [](Changed& c) { c.options.top_logprobs.reset(); },
      [](Changed& c) { c.options.rollout_id = 2; },
      [](Changed& c) { c.options.rollout_id.reset(); },
  };
}

std::vector<Change> OtherChanges() {
  return {
      [](Changed& c) { c.tenant = "other"; },
      [](Changed& c) { c.configuration = "other"; },
      [](Changed& c) {
        c.tenant = "tenantc";
        c.configuration = "hain";
      },
      [](Changed& c) { c.sample = 1; },
      [](Changed& c) { c.prefix[0].role = lm::Role::kUser; },
      [](Changed& c) { c.prefix[0] = lm::Message::Text(lm::Role::kSystem, "Be long."); },
      [](Changed& c) { c.prefix.clear(); },
      [](Changed& c) { c.role = lm::Role::kAssistant; },
      [](Changed& c) { c.more_turns.push_back({lm::Role::kUser, {}}); },
  };
}

TEST(RequestDigestTest, EveryFieldCounts) {
  std::set<RequestDigest> seen = {Changed().Digest()};
  std::size_t count = 1;
  for (const auto& changes : {ChangesOfParts(), ChangesOfOptions(), OtherChanges()}) {
    for (const Change& change : changes) {
      Changed changed;
      change(changed);
      EXPECT_TRUE(seen.insert(changed.Digest()).second) << "change " << count;
      ++count;
    }
  }
  EXPECT_EQ(seen.size(), count);
}

TEST(RequestDigestTest, EqualCallsAreEqual) {
  EXPECT_EQ(Changed().Digest(), Changed().Digest()) << "whatever their prefix's id";
  RequestDigester digester("chain");
  RequestRecord record;
  const RequestContext context(record, kNoDeadline);
  lm::Request request;
  request.prefix = std::make_shared<lm::Prefix>(std::vector{lm::Message::Text(lm::Role::kSystem, "Be brief.")});
  const RequestDigest first = digester.Of(context, request);
  EXPECT_EQ(digester.Of(context, request), first) << "the prefix's digest is kept";
  lm::Request once = request;
  once.prefix = std::make_shared<lm::Prefix>(request.prefix->messages(), /*reusable=*/false);
  EXPECT_EQ(digester.Of(context, once), first);
  once.options = std::make_shared<lm::Options>();
  EXPECT_EQ(digester.Of(context, once), first) << "no options are those without settings";
}

TEST(RequestDigestTest, ManyPrefixesAreNoMemory) {
  RequestDigester digester("chain");
  RequestRecord record;
  const RequestContext context(record, kNoDeadline);
  std::set<RequestDigest> seen;
  for (int i = 0; i < 3000; ++i) {
    lm::Request request;
    request.prefix = std::make_shared<lm::Prefix>(std::vector{lm::Message::Text(lm::Role::kSystem, std::to_string(i))});
    EXPECT_TRUE(seen.insert(digester.Of(context, request)).second);
  }
}

}  // namespace
}  // namespace dspex
