#include "tests/mock_llm/in_context.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/mock_llm/mock_test.h"
#include "tests/mock_llm/test_client.h"

namespace dspex::mock_llm {
namespace {

using nlohmann::json;

std::string Nearest(const std::vector<Demonstration>& demonstrations, const std::string& message) {
  const Demonstration* found = MostSimilar(demonstrations, message);
  return found == nullptr ? "none" : found->assistant;
}

TEST(MostSimilarTest, SharesTheMostWordsForItsLength) {
  const std::vector<Demonstration> demonstrations = {
      {"my card was stolen", "card"}, {"when do you open, and when do you close?", "hours"}, {"open?", "short"}};
  EXPECT_EQ(Nearest(demonstrations, "is the card stolen"), "card");
  EXPECT_EQ(Nearest(demonstrations, "when do you close"), "hours");
  EXPECT_EQ(Nearest(demonstrations, "open the door"), "short");
}

TEST(MostSimilarTest, WordsAreSetsWithoutCaseAndPunctuation) {
  EXPECT_EQ(Nearest({{"YES, (no)!", "few"}, {"yes yes yes no", "many"}}, "Yes-no"), "many") << "alike, so the last";
  EXPECT_EQ(Nearest({{"caf\u00e9", "accent"}, {"caf", "none"}}, "un caf\u00e9"), "accent");
}

TEST(MostSimilarTest, OfSeveralAlikeTheLast) {
  EXPECT_EQ(Nearest({{"a b", "first"}, {"b a", "second"}, {"c", "third"}}, "a b c d"), "second");
  EXPECT_EQ(Nearest({{"a", "first"}, {"b", "second"}}, "z"), "second") << "nothing in common";
  EXPECT_EQ(Nearest({{"a", "first"}, {"", "empty"}}, ""), "empty");
}

TEST(MostSimilarTest, IsNullWithoutDemonstrations) { EXPECT_EQ(MostSimilar({}, "a"), nullptr); }

class InContextTest : public MockLlmTest {
 protected:
  void SetUp() override {
    MockLlmTest::SetUp();
    Script({{{"reply", {{"content", "{{in_context}}"}}}}});
  }

  std::string AnswerTo(const json& messages) {
    const json body = {{"model", "m"}, {"messages", messages}};
    const ClientResponse response = TestClient(port_).Call("POST", "/v1/chat/completions", body.dump());
    return json::parse(response.body)["choices"][0]["message"]["content"].get<std::string>();
  }

  static json Turns(const std::vector<std::pair<std::string, std::string>>& turns) {
    json messages = json::array();
    for (const auto& [role, content] : turns) messages.push_back({{"role", role}, {"content", content}});
    return messages;
  }
};

TEST_F(InContextTest, EveryFaceAnswersWhatADemonstrationDid) {
  const json turns = Turns({{"user", "good morning"},
                            {"assistant", "greeting"},
                            {"user", "see you"},
                            {"assistant", "farewell"},
                            {"user", "good day"}});
  EXPECT_EQ(AnswerTo(turns), "greeting");
  const json messages = {{"model", "m"}, {"max_tokens", 9}, {"messages", turns}};
  const ClientResponse message = TestClient(port_).Call("POST", "/v1/messages", messages.dump(),
                                                        "x-api-key: k\r\nanthropic-version: 2023-06-01\r\n");
  EXPECT_EQ(json::parse(message.body)["content"][0]["text"], "greeting");
  const json input = {{"model", "m"}, {"input", turns}};
  const ClientResponse response = TestClient(port_).Call("POST", "/v1/responses", input.dump());
  EXPECT_EQ(json::parse(response.body)["output"][0]["content"][0]["text"], "greeting");
}

TEST_F(InContextTest, TheReminderIsNoPartOfWhatIsCompared) {
  const json turns = Turns({{"user", "[[ ## fruit ## ]]\nred apple"},
                            {"assistant", "apple"},
                            {"user", "[[ ## fruit ## ]]\nripe brown pear"},
                            {"assistant", "pear"},
                            {"user",
                             "[[ ## fruit ## ]]\nan apple\n\nReply with `[[ ## name ## ]]` (one of ripe, brown, pear), "
                             "and close with `[[ ## completed ## ]]`."}});
  EXPECT_EQ(AnswerTo(turns), "apple");
}

TEST_F(InContextTest, WithoutADemonstrationItFillsTheFields) {
  EXPECT_EQ(AnswerTo(Turns({{"system", "a"}, {"user", "a"}})), "mock");
  EXPECT_EQ(AnswerTo(Turns({{"user", "a"}, {"assistant", "to the last turn itself"}})), "mock");
  EXPECT_EQ(AnswerTo(Turns({{"assistant", "to nobody"}, {"user", "a"}})), "mock");
}

TEST_F(InContextTest, OnlyTurnsThatWereAnsweredAreDemonstrations) {
  const json turns = Turns({{"user", "a b"}, {"assistant", "answered"}, {"user", "a b c"}, {"user", "a b c"}});
  EXPECT_EQ(AnswerTo(turns), "answered");
}

}  // namespace
}  // namespace dspex::mock_llm
