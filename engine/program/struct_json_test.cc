#include "engine/program/struct_json.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/error.h"

namespace dspex {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

Struct StructOf(const std::string& json) {
  Struct object;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &object).ok()) << json;
  return object;
}

TEST(JsonFromStructTest, SortsKeysAndMakesWholeNumbersInts) {
  const auto json = JsonFromStruct(
      StructOf(R"({"zeta": 1, "alpha": {"b": [1.5, -2, true, null, "é"], "a": {}}, "mid": [], "Big": 1e300})"));
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(json->dump(), R"({"Big":1e+300,"alpha":{"a":{},"b":[1.5,-2,true,null,"é"]},"mid":[],"zeta":1})");
  EXPECT_TRUE((*json)["zeta"].is_number_integer());
  EXPECT_TRUE((*json)["Big"].is_number_float());
}

TEST(JsonFromStructTest, IntegersEndWhere64BitsDo) {
  Struct object;
  (*object.mutable_fields())["max"].set_number_value(9223372036854774784.0);
  (*object.mutable_fields())["min"].set_number_value(-9223372036854775808.0);
  (*object.mutable_fields())["over"].set_number_value(9223372036854775808.0);
  const auto json = JsonFromStruct(object);
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ((*json)["max"].get<std::int64_t>(), 9223372036854774784);
  EXPECT_EQ((*json)["min"].get<std::int64_t>(), std::numeric_limits<std::int64_t>::min());
  EXPECT_TRUE((*json)["over"].is_number_float());
}

TEST(JsonFromStructTest, ValueNeverSetIsNull) {
  Struct object;
  (*object.mutable_fields())["x"];
  EXPECT_EQ(JsonFromStruct(object)->dump(), R"({"x":null})");
  EXPECT_EQ(JsonFromStruct(Struct())->dump(), "{}");
}

TEST(JsonFromStructTest, RefusesNumbersThatAreNotFinite) {
  for (const double number : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    Struct object;
    (*object.mutable_fields())["x"].mutable_list_value()->add_values()->set_number_value(number);
    EXPECT_EQ(ErrorReason(JsonFromStruct(object).status()), "INVALID_REQUEST");
  }
}

// An object and `depth` - 1 lists.
Struct Nested(int depth) {
  Struct object;
  Value* value = &(*object.mutable_fields())["x"];
  for (int i = 1; i < depth; ++i) value = value->mutable_list_value()->add_values();
  return object;
}

TEST(StructJsonTest, DepthIsBoundedBothWays) {
  const auto deepest = JsonFromStruct(Nested(kMaxStructDepth));
  ASSERT_TRUE(deepest.ok()) << deepest.status();
  Struct back;
  EXPECT_TRUE(StructFromJson(*deepest, back).ok());
  EXPECT_EQ(ErrorReason(JsonFromStruct(Nested(kMaxStructDepth + 1)).status()), "INVALID_REQUEST");
  EXPECT_EQ(JsonFromStruct(Nested(5000)).status().code(), absl::StatusCode::kInvalidArgument);
  const Json deeper = {{"y", *deepest}};
  Struct refused;
  EXPECT_EQ(ErrorReason(StructFromJson(deeper, refused)), "INVALID_REQUEST");
  EXPECT_EQ(ErrorMetadata(StructFromJson(deeper, refused), "limit"), "32");
}

TEST(StructJsonTest, GoesThereAndBack) {
  const Json json = Json::parse(R"({"a": "text", "b": [1, 2.5, {"c": null}, []], "d": true, "e": -7})");
  Struct object;
  ASSERT_TRUE(StructFromJson(json, object).ok());
  EXPECT_EQ(JsonFromStruct(object)->dump(), json.dump());
}

TEST(StructFromJsonTest, RefusesWhatIsNoObject) {
  Struct object;
  EXPECT_EQ(ErrorReason(StructFromJson(Json::array(), object)), "INVALID_REQUEST");
}

}  // namespace
}  // namespace dspex
