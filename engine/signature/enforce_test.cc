#include "engine/signature/enforce.h"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {
namespace {

TEST(EnforceConstraints, HoldsValuesAgainstThem) {
  struct Case {
    const char* type;
    const char* rule;
    const char* bound;
    const char* value;
    bool holds;
  };
  const Case cases[] = {
      {"int", "gt", "5", "6", true},
      {"int", "gt", "5", "5", false},
      {"int", "ge", "5", "5", true},
      {"float", "lt", "5", "4.5", true},
      {"float", "le", "5", "5.5", false},
      {"Optional[int]", "ge", "5", "null", true},
      {"Optional[int]", "ge", "5", "4", false},
      {"decimal.Decimal", "lt", "\"1.5\"", "\"1.25\"", true},
      {"decimal.Decimal", "lt", "1.5", "\"1.50\"", false},
      {"datetime.date", "ge", "\"2024-01-01\"", "\"2023-12-31\"", false},
      {"datetime.datetime", "le", "\"2024-01-01T00:00Z\"", "\"2024-01-01T01:00+01:00\"", true},
      {"datetime.timedelta", "le", "\"PT1H\"", "\"PT61M\"", false},
      {"int", "multiple_of", "3", "9", true},
      {"int", "multiple_of", "3", "10", false},
      {"float", "multiple_of", "0.1", "0.3", true},
      {"str", "min_length", "2", "\"\u00e9\"", false},
      {"str", "max_length", "1", "\"\u00e9\"", true},
      {"list[int]", "max_length", "1", "[1, 2]", false},
      {"list[int]", "min_items", "1", "[]", false},
      {"dict[str, int]", "max_items", "1", "{\"a\": 1}", true},
      {"str", "max_items", "1", "\"abc\"", true},
      {"float", "allow_inf_nan", "false", "1.0", true},
      {"str", "pattern", "\"^a\\\\d$\"", "\"a1\"", true},
      {"str", "pattern", "\"^a\\\\d$\"", "\"b1\"", false},
      {"Any", "one_of", "[1, \"a\"]", "1.0", true},
      {"str", "one_of", "[\"a\"]", "\"b\"", false},
      {"list[Any]", "unique", "true", "[1, \"1\"]", true},
      {"list[Any]", "unique", "true", "[1, 1.0]", false},
      {"list[Any]", "unique", "false", "[1, 1]", true},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(std::string(test.type) + " " + test.rule + " " + test.bound + ": " + test.value);
    Field field;
    field.name = "field";
    field.type = *ParseType(test.type);
    field.constraints.push_back({test.rule, std::make_shared<const Json>(Json::parse(test.bound))});
    const absl::Status status = EnforceConstraints(field, Json::parse(test.value));
    EXPECT_EQ(status.ok(), test.holds) << status;
    if (!status.ok()) {
      EXPECT_EQ(ErrorReason(status), reason::kInvalidValue);
      EXPECT_EQ(ErrorMetadata(status, "field"), "field");
      EXPECT_EQ(ErrorMetadata(status, "rule"), test.rule);
    }
  }
}

}  // namespace
}  // namespace dspex
