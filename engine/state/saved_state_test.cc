#include "engine/state/saved_state.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/error.h"
#include "engine/json/json.h"

namespace dspex {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr absl::string_view kState = R"({
  "cot.predict": {
    "traces": [],
    "train": [],
    "demos": [
      {
        "augmented": true,
        "question": "caf\u001b \"é\" \\ / \n\t\u0000",
        "numbers": [
          0.00001,
          1e+16,
          1e16,
          -0.0,
          5.0,
          18446744073709551615,
          123456789012345678901234567890,
          0.1000000000000000055511151231257827
        ],
        "nothing": [],
        "empty": {}
      }
    ],
    "signature": {
      "instructions": "Answer.\nBriefly.",
      "fields": [
        {
          "prefix": "Question:",
          "description": "${question}"
        },
        {
          "prefix": "Reasoning:",
          "description": null
        }
      ]
    },
    "fields": {
      "score": {
        "cuts": [
          0.5
        ]
      }
    },
    "lm": {
      "_dspy_lm_class": "dspy.clients.lm.LM",
      "model": "openai/gpt-4o-mini",
      "num_retries": 3,
      "temperature": 0.00001
    },
    "mine": "kept"
  },
  "hops[0]": {
    "traces": [],
    "train": [],
    "demos": [],
    "signature": {
      "instructions": "",
      "fields": []
    },
    "lm": null
  },
  "flex": {
    "module_src": "pass",
    "lm": null
  },
  "metadata": {
    "dependency_versions": {
      "python": "3.11",
      "dspy": "3.4.1",
      "cloudpickle": "3.1"
    }
  }
}
)";

// The smallest state of one predictor, with parts of its record replaced.
std::string State(absl::string_view from = "", absl::string_view to = "") {
  std::string text = R"({"self":{"demos":[],"signature":{"instructions":"i","fields":[]},"lm":null},)"
                     R"("metadata":{"dependency_versions":{}}})";
  return from.empty() ? text : absl::StrReplaceAll(text, {{from, to}});
}

std::string WithLm(absl::string_view lm) { return State("\"lm\":null", absl::StrCat("\"lm\":", lm)); }

absl::Status StatusOf(absl::string_view text) { return ReadState(text).status(); }
std::string PathOf(absl::string_view text) { return ErrorMetadata(StatusOf(text), "path"); }

TEST(SavedStateTest, ReadsEverything) {
  const auto state = ReadState(kState);
  ASSERT_TRUE(state.ok()) << state.status();
  ASSERT_THAT(state->predictors, SizeIs(3));
  const SavedPredictor& first = state->predictors[0];
  EXPECT_EQ(first.path, "cot.predict");
  EXPECT_EQ(first.instructions, "Answer.\nBriefly.");
  EXPECT_THAT(first.fields,
              ElementsAre(SavedField{"Question:", "${question}"}, SavedField{"Reasoning:", std::nullopt}));
  ASSERT_THAT(first.demos, SizeIs(1));
  EXPECT_EQ(ParseJson(first.demos[0])->at("question"), std::string("caf\x1b \"é\" \\ / \n\t\0", 17));
  EXPECT_EQ(ParseJson(first.lm)->at("model"), "openai/gpt-4o-mini");
  EXPECT_EQ(FindMember(first.members, "mine")->text, "\"kept\"");
  EXPECT_EQ(FindMember(first.members, "fields")->text, R"({"score":{"cuts":[0.5]}})");
  EXPECT_EQ(state->predictors[1].path, "hops[0]");
  EXPECT_EQ(state->predictors[1].lm, "null");
  EXPECT_FALSE(state->predictors[2].is_predict);
  EXPECT_THAT(state->dependency_versions,
              ElementsAre(Pair("python", "3.11"), Pair("dspy", "3.4.1"), Pair("cloudpickle", "3.1")));
}

TEST(SavedStateTest, WritesWhatItRead) { EXPECT_EQ(WriteState(*ReadState(kState)), kState); }

TEST(SavedStateTest, WritesTheLayoutOfOrjson) {
  EXPECT_EQ(WriteState(*ReadState(State())), R"({
  "self": {
    "demos": [],
    "signature": {
      "instructions": "i",
      "fields": []
    },
    "lm": null
  },
  "metadata": {
    "dependency_versions": {}
  }
}
)");
}

// A Predict saves its record as the file.
TEST(SavedStateTest, APredictAlone) {
  constexpr absl::string_view kAlone = R"({
  "traces": [],
  "train": [],
  "demos": [
    {
      "a": 1
    }
  ],
  "signature": {
    "instructions": "i",
    "fields": []
  },
  "lm": null,
  "metadata": {
    "dependency_versions": {}
  }
}
)";
  const auto state = ReadState(kAlone);
  ASSERT_TRUE(state.ok()) << state.status();
  ASSERT_THAT(state->predictors, SizeIs(1));
  EXPECT_EQ(state->predictors[0].path, "");
  EXPECT_THAT(state->predictors[0].demos, ElementsAre(R"({"a":1})"));
  EXPECT_THAT(state->predictors[0].members, SizeIs(5));
  EXPECT_EQ(WriteState(*state), kAlone);
  EXPECT_EQ(PathOf(absl::StrReplaceAll(kAlone, {{"null", "[]"}})), "lm");
  EXPECT_EQ(PathOf(absl::StrReplaceAll(kAlone, {{"\"i\"", "3"}})), "signature.instructions");
  EXPECT_EQ(PathOf(absl::StrReplaceAll(kAlone, {{"\"signature\"", "\"s\""}})), "signature");
  EXPECT_EQ(PathOf(R"({"":{},"metadata":{"dependency_versions":{}}})"), "");
}

// A program may have a predictor named signature.
TEST(SavedStateTest, APredictorNamedSignature) {
  const auto state = ReadState(State("self", "signature"));
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->predictors[0].path, "signature");
}

TEST(SavedStateTest, NumbersAndStringsStayAsTheyWereWritten) {
  const auto state = ReadState(State("\"demos\":[]", R"("demos": [ { "a" : 1.50E+3 , "b":"\u00e9\/" } ])"));
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_THAT(state->predictors[0].demos, ElementsAre(R"({"a":1.50E+3,"b":"\u00e9\/"})"));
}

TEST(SavedStateTest, OfEqualKeysTheLastCounts) {
  const auto state = ReadState(State("\"demos\":[]", R"("demos":[],"\u0064emos":[{"a":1}])"));
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_THAT(state->predictors[0].demos, ElementsAre(R"({"a":1})"));
  EXPECT_THAT(state->predictors[0].members, SizeIs(3));
}

TEST(SavedStateTest, WhatIsNoJson) {
  EXPECT_EQ(ErrorReason(StatusOf("{")), "INVALID_JSON");
  EXPECT_EQ(ErrorMetadata(StatusOf("{\"a\": tru}"), "position"), "9");
  EXPECT_EQ(ErrorReason(StatusOf(std::string(200, '['))), "INVALID_JSON");
  EXPECT_EQ(ErrorReason(StatusOf("{\"a\": 1e999}")), "INVALID_JSON");
}

TEST(SavedStateTest, WhatIsNoState) {
  for (const absl::string_view text : {"[]", "null", "3", "\"x\""}) {
    EXPECT_EQ(ErrorReason(StatusOf(text)), "INVALID_STATE") << text;
  }
  EXPECT_EQ(PathOf("{}"), "metadata.dependency_versions");
  EXPECT_EQ(PathOf(R"({"metadata":[]})"), "metadata.dependency_versions");
  EXPECT_EQ(PathOf(R"({"metadata":{"dependency_versions":1}})"), "metadata.dependency_versions");
  EXPECT_EQ(PathOf(R"({"x":[],"metadata":{"dependency_versions":{}}})"), "x");
  EXPECT_EQ(PathOf(State("\"demos\":[],", "")), "self.demos");
  EXPECT_EQ(PathOf(State(",\"lm\":null", "")), "self.lm");
  EXPECT_EQ(PathOf(State("\"signature\":{\"instructions\":\"i\",\"fields\":[]},", "")), "self.signature");
  EXPECT_EQ(PathOf(State("\"instructions\":\"i\",", "")), "self.signature.instructions");
  EXPECT_EQ(PathOf(State("\"i\"", "3")), "self.signature.instructions");
  EXPECT_EQ(PathOf(State("\"fields\":[]", "\"fields\":{}")), "self.signature.fields");
  EXPECT_EQ(PathOf(State("\"fields\":[]", "\"fields\":[3]")), "self.signature.fields[0]");
  EXPECT_EQ(PathOf(State("\"fields\":[]", R"("fields":[{"prefix":"a"}])")), "self.signature.fields[0].description");
  EXPECT_EQ(PathOf(State("\"fields\":[]", R"("fields":[{"prefix":1}])")), "self.signature.fields[0].prefix");
  EXPECT_EQ(PathOf(State("\"demos\":[]", "\"demos\":{}")), "self.demos");
  EXPECT_EQ(PathOf(State("\"lm\":null", "\"lm\":null,\"fields\":[]")), "self.fields");
  EXPECT_EQ(PathOf(State("\"demos\":[]", "\"demos\":[{},[]]")), "self.demos[1]");
  EXPECT_EQ(PathOf(State("\"lm\":null", "\"lm\":null,\"extended_signature\":{}")), "self.extended_signature");
  EXPECT_EQ(ErrorReason(StatusOf(State("self", std::string(2000, 'x')))), "INVALID_STATE");
}

TEST(SavedStateTest, LanguageModelsThatPythonWouldImport) {
  const absl::Status custom = StatusOf(WithLm(R"({"_dspy_lm_class":"evil.module.LM","model":"m"})"));
  EXPECT_EQ(ErrorReason(custom), "INVALID_STATE");
  EXPECT_EQ(ErrorMetadata(custom, "path"), "self.lm._dspy_lm_class");
  EXPECT_THAT(std::string(custom.message()), HasSubstr("evil.module.LM"));
  EXPECT_EQ(PathOf(WithLm(R"({"_dspy_lm_class":["x"],"model":"m"})")), "self.lm._dspy_lm_class");
  EXPECT_EQ(PathOf(WithLm(R"({"model":"m","engine":{"class":"os:system","state":{}}})")), "self.lm.engine");
  EXPECT_EQ(PathOf(WithLm(R"({"model":"m","engine":"mine"})")), "self.lm.engine");
  EXPECT_EQ(PathOf(WithLm(R"({"model":"m","async_engine":{"class":"os:system"}})")), "self.lm.async_engine");
  EXPECT_EQ(PathOf(WithLm(R"({"model":"m","async_engine":"lm15"})")), "self.lm.async_engine");
  EXPECT_EQ(
      PathOf(R"({"flex":{"module_src":"x","lm":{"_dspy_lm_class":"a.B"}},"metadata":{"dependency_versions":{}}})"),
      "flex.lm._dspy_lm_class");
}

TEST(SavedStateTest, LanguageModelsOfDspy) {
  for (const absl::string_view lm :
       {"null", "{}", R"({"model":"m"})", R"({"_dspy_lm_class":null,"model":"m","engine":"lm15","async_engine":null})",
        R"({"_dspy_lm_class":"dspy.clients.lm.LM","model":"openai/gpt-4o","engine":"auto","num_retries":0})",
        R"({"_dspy_lm_class":"dspy.clients.typesafe.TypeSafe","model":"j"})"}) {
    EXPECT_TRUE(ReadState(WithLm(lm)).ok()) << lm << StatusOf(WithLm(lm));
  }
  EXPECT_EQ(PathOf(WithLm("[]")), "self.lm");
  EXPECT_EQ(PathOf(WithLm("\"openai/gpt-4o\"")), "self.lm");
  EXPECT_EQ(PathOf(WithLm("{\"a\":1}")), "self.lm.model");
  EXPECT_EQ(PathOf(WithLm("{\"model\":\"\"}")), "self.lm.model");
  EXPECT_EQ(PathOf(WithLm("{\"model\":\"openai/\"}")), "self.lm.model");
  EXPECT_EQ(PathOf(WithLm(R"({"model":"m","prompt_cache":{"mode":"auto"}})")), "self.lm.prompt_cache");
  EXPECT_EQ(PathOf(WithLm(R"({"_dspy_lm_class":"dspy.clients.lm.LM","model":"m","prompt_cache":3})")),
            "self.lm.prompt_cache");
  EXPECT_EQ(PathOf(WithLm(R"({"_dspy_lm_class":"dspy.clients.lm.LM","model":"m","prompt_cache":{}})")), "");
  EXPECT_EQ(PathOf(WithLm("{\"model\":\"m\",\"num_retries\":-1}")), "self.lm.num_retries");
  EXPECT_EQ(PathOf(WithLm("{\"model\":\"m\",\"num_retries\":true}")), "self.lm.num_retries");
  EXPECT_EQ(PathOf(WithLm("{\"model\":\"m\",\"num_retries\":1180591620717411303424}")), "self.lm.num_retries");
}

TEST(SavedStateTest, ManyKeysTakeLinearTime) {
  std::string record;
  for (int i = 0; i < 200'000; ++i) absl::StrAppend(&record, "\"k", i, "\":", i, ",");
  const auto state = ReadState(State("\"demos\"", absl::StrCat(record, "\"demos\"")));
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_THAT(state->predictors[0].members, SizeIs(200'003));
}

TEST(JsonTextTest, Orjson) {
  const auto text = [](const Json& value) {
    std::string out;
    AppendOrjson(out, value);
    return out;
  };
  EXPECT_EQ(text(Json::parse(R"({"a":[1,-2,true,null,"é\u0001"],"b":{},"c":[]})")),
            "{\"a\":[1,-2,true,null,\"é\\u0001\"],\"b\":{},\"c\":[]}");
  for (const auto& [number, expected] :
       std::vector<std::pair<double, std::string>>{{0.0, "0.0"},
                                                   {-0.0, "-0.0"},
                                                   {5, "5.0"},
                                                   {1e-5, "0.00001"},
                                                   {1.2345e-5, "0.000012345"},
                                                   {1e-6, "1e-6"},
                                                   {1.5e-10, "1.5e-10"},
                                                   {1e15, "1000000000000000.0"},
                                                   {1e16, "1e+16"},
                                                   {1.5e16, "1.5e+16"},
                                                   {1e300, "1e+300"},
                                                   {5e-324, "5e-324"},
                                                   {0.1, "0.1"},
                                                   {9007199254740993.0, "9007199254740992.0"},
                                                   {1e-300, "1e-300"},
                                                   {std::numeric_limits<double>::quiet_NaN(), "null"},
                                                   {-std::numeric_limits<double>::infinity(), "null"}}) {
    EXPECT_EQ(text(number), expected);
  }
  EXPECT_EQ(text(18446744073709551615u), "18446744073709551615");
}

TEST(JsonTextTest, MembersAndElements) {
  EXPECT_THAT(JsonMembers("{}"), IsEmpty());
  EXPECT_THAT(JsonElements("[]"), IsEmpty());
  EXPECT_THAT(JsonElements(R"([1,"a,]",[2,[]],{"x":[3]},null])"),
              ElementsAre("1", "\"a,]\"", "[2,[]]", "{\"x\":[3]}", "null"));
  const auto members = JsonMembers(R"({"a\"}":{"b":"}"},"c":[1,2],"d":-1e5})");
  ASSERT_THAT(members, SizeIs(3));
  EXPECT_EQ(members[0].key, "a\"}");
  EXPECT_EQ(members[0].text, "{\"b\":\"}\"}");
  EXPECT_EQ(members[2].text, "-1e5");
}

}  // namespace
}  // namespace dspex
