#include "server/program/resource_name.h"

#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace dspex {
namespace {

TEST(ResourceNameTest, ReadsProgramsRevisionsAndLabels) {
  EXPECT_EQ(ParseProgramName("programs/qa", "name")->id, "qa");
  EXPECT_EQ(ParseProgramName("programs/qa", "name")->selector.revision, 0);
  EXPECT_EQ(ParseProgramName("programs/qa@3", "name")->selector.revision, 3);
  EXPECT_EQ(ParseProgramName("programs/qa@9223372036854775807", "name")->selector.revision, INT64_MAX);
  EXPECT_EQ(ParseProgramName("programs/q-2@prod", "name")->selector.label, "prod");
  EXPECT_EQ(*ParseWholeProgramName("programs/qa", "name"), "qa");
}

TEST(ResourceNameTest, RefusesEverythingElse) {
  const std::string long_id(64, 'a');
  for (const std::string& name : {std::string(),
                                  std::string("qa"),
                                  std::string("programs/"),
                                  std::string("programs/QA"),
                                  std::string("programs/-a"),
                                  std::string("programs/1a"),
                                  std::string("programs/a_b"),
                                  std::string("programs/a/b"),
                                  std::string("programs/qa@"),
                                  std::string("programs/qa@0"),
                                  std::string("programs/qa@03"),
                                  std::string("programs/qa@-1"),
                                  std::string("programs/qa@+1"),
                                  std::string("programs/qa@ 1"),
                                  std::string("programs/qa@9223372036854775808"),
                                  std::string("programs/qa@Prod"),
                                  std::string("programs/@1"),
                                  std::string("programs/qa@1@2"),
                                  "programs/" + long_id,
                                  "programs/qa@" + long_id,
                                  std::string("Programs/qa"),
                                  std::string("programs/q\0a", 12)}) {
    const absl::Status refused = ParseProgramName(name, "program.name").status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(ErrorReason(refused), reason::kInvalidRequest);
    google::rpc::BadRequest bad_request;
    const google::rpc::Status rpc_status = ToRpcStatus(refused);
    for (const auto& detail : rpc_status.details()) detail.UnpackTo(&bad_request);
    ASSERT_EQ(bad_request.field_violations_size(), 1);
    EXPECT_EQ(bad_request.field_violations(0).field(), "program.name");
  }
  EXPECT_FALSE(ParseWholeProgramName("programs/qa@3", "name").ok());
  EXPECT_FALSE(ParseWholeProgramName("programs/qa@", "name").ok());
}

TEST(ResourceNameTest, DoesNotRepeatAVeryLongName) {
  const absl::Status refused = ParseProgramName(std::string(std::size_t{1} << 20, 'x'), "name").status();
  EXPECT_LT(refused.message().size(), 500u);
  EXPECT_LT(ErrorMetadata(refused, "program").size(), 300u);
}

}  // namespace
}  // namespace dspex
