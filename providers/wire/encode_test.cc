#include "providers/wire/encode.h"

#include <gtest/gtest.h>

#include <limits>

namespace dspex::wire {
namespace {

TEST(WireEncodeTest, NumbersReadBackAsTheSame) {
  std::string out;
  AppendNumber(out, "a", 0.1);
  AppendNumber(out, "b", std::numeric_limits<double>::infinity());
  AppendNumber(out, "c", std::nullopt);
  AppendNumber(out, "d", 1);
  EXPECT_EQ(out, R"(,"a":0.1,"d":1)");
}

TEST(WireEncodeTest, DataUris) {
  const auto uri = ParseDataUri("data:Image/PNG;charset=x;base64,QQ==");
  ASSERT_TRUE(uri.has_value());
  EXPECT_EQ(uri->media_type, "image/png");
  EXPECT_EQ(uri->data, "QQ==");
  EXPECT_EQ(ParseDataUri("DATA:;base64,")->media_type, "");
  for (const char* other : {"", "data:", "data:image/png,abc", "data:image/png;base64", "https://a/b,c;base64,d"}) {
    EXPECT_FALSE(ParseDataUri(other).has_value()) << other;
  }
}

TEST(WireEncodeTest, Objects) {
  EXPECT_TRUE(IsJsonObject(R"( {"a": [1]} )"));
  for (const char* other : {"", "[]", "1", "{", "{} x", R"({"a":NaN})", "{\"a\":\"\xff\"}"}) {
    EXPECT_FALSE(IsJsonObject(other)) << other;
  }
}

TEST(WireEncodeTest, BlocksAsParts) {
  EXPECT_EQ(std::get<lm::TextPart>(PartOf({R"({"type":"text","text":"a","x":1})"})).text, "a");
  EXPECT_EQ(std::get<lm::ImagePart>(PartOf({R"({"type":"image_url","image_url":"u"})"})).url, "u");
  const lm::Part image = PartOf({R"({"type":"image_url","image_url":{"url":"u","detail":"low","x":1}})"});
  EXPECT_EQ(std::get<lm::ImagePart>(image).url, "u");
  EXPECT_EQ(std::get<lm::ImagePart>(image).detail, "low");
  for (const char* other : {"{}", R"({"type":"video","x":1})", R"({"type":"image_url","image_url":1})"}) {
    EXPECT_EQ(std::get<lm::BlockPart>(PartOf({other})).json, other);
  }
  EXPECT_EQ(std::get<lm::TextPart>(PartOf({"no JSON"})).text, "no JSON");
}

}  // namespace
}  // namespace dspex::wire
