#include "engine/lm/error_usage.h"

#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex::lm {
namespace {

TEST(ErrorUsageTest, WhatIsWrittenIsRead) {
  const absl::Status error = Error(absl::StatusCode::kInternal, reason::kProviderMalformed, "No.");
  EXPECT_FALSE(ErrorUsage(error).has_value());
  const absl::Status billed = WithUsage(error, {.input_tokens = 12, .output_tokens = 3, .reasoning_tokens = 2});
  EXPECT_EQ(ErrorMetadata(billed, "input_tokens"), "12");
  const std::optional<Usage> usage = ErrorUsage(billed);
  ASSERT_TRUE(usage.has_value());
  EXPECT_EQ(usage->input_tokens, 12);
  EXPECT_EQ(usage->output_tokens, 3);
  EXPECT_EQ(usage->reasoning_tokens, 2);
  EXPECT_EQ(usage->cached_input_tokens, 0);
}

TEST(ErrorUsageTest, AnErrorWithoutDetailsHasNone) {
  EXPECT_FALSE(ErrorUsage(WithUsage(absl::CancelledError(), {.input_tokens = 12})).has_value());
}

}  // namespace
}  // namespace dspex::lm
