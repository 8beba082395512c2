#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "dspex/v1/signature.pb.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/signature/named_type.h"
#include "engine/signature/signature.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace dspex {
namespace {

v1::Signature Proto() {
  v1::Signature proto;
  proto.set_instructions("  Answer.");
  auto* question = proto.add_inputs();
  question->set_name("question");
  question->set_description("What is asked");
  auto* answer = proto.add_outputs();
  answer->set_name("answer");
  answer->set_type("list[int]");
  return proto;
}

TEST(SignatureFromProto, ReadsTheStructuredForm) {
  const auto signature = Signature::FromProto(Proto());
  ASSERT_TRUE(signature.ok()) << signature.status();
  EXPECT_EQ(signature->ToString(), "question: str -> answer: list[int]");
  EXPECT_EQ(signature->instructions(), "Answer.");
  EXPECT_EQ(signature->inputs()[0].description, "What is asked");
  EXPECT_EQ(signature->outputs()[0].description, "${answer}");
  EXPECT_EQ(Signature::FromProto(Proto(), "Other.")->instructions(), "Other.");
}

std::string ViolationPath(const absl::Status& status) {
  const google::rpc::Status rpc = ToRpcStatus(status);
  for (const auto& detail : rpc.details()) {
    google::rpc::BadRequest bad_request;
    if (detail.UnpackTo(&bad_request)) return bad_request.field_violations(0).field();
  }
  return "";
}

TEST(SignatureFromProto, ErrorsNameTheField) {
  v1::Signature proto = Proto();
  proto.mutable_outputs(0)->set_type("list[complex]");
  absl::Status status = Signature::FromProto(proto).status();
  EXPECT_EQ(ErrorReason(status), reason::kInvalidSignature);
  EXPECT_EQ(ErrorMetadata(status, "field"), "answer");
  EXPECT_EQ(ErrorMetadata(status, "position"), "5");
  EXPECT_EQ(ErrorMetadata(status, "token"), "complex");
  EXPECT_EQ(ViolationPath(status), "outputs[0].type");
  EXPECT_EQ(status.message().find("The signature cannot"), absl::string_view::npos) << status;

  for (const char* name : {"", "a b", "1a", "class", "a-b", "a.b"}) {
    proto = Proto();
    proto.add_inputs()->set_name(name);
    status = Signature::FromProto(proto).status();
    EXPECT_EQ(ErrorReason(status), reason::kInvalidSignature) << name;
    EXPECT_EQ(ErrorMetadata(status, "field"), name);
    EXPECT_EQ(ViolationPath(status), "inputs[1].name") << name;
  }

  proto = Proto();
  proto.add_outputs()->set_name("question");
  EXPECT_EQ(ViolationPath(Signature::FromProto(proto).status()), "outputs[1].name");
  proto = Proto();
  proto.clear_outputs();
  EXPECT_EQ(ViolationPath(Signature::FromProto(proto).status()), "outputs");
  proto = Proto();
  for (int i = 0; i < 200; ++i) proto.add_inputs()->set_name(absl::StrCat("f", i));
  EXPECT_EQ(ViolationPath(Signature::FromProto(proto).status()), "inputs[200]");
}

TEST(SignatureFromProto, ReadsWhatElseAFieldSays) {
  v1::Signature proto = Proto();
  v1::Field& field = *proto.mutable_outputs(0);
  field.set_type("list[Item]");
  field.set_prefix("The answer:");
  field.set_schema_note("{}");
  field.set_default_json("[1, 2.0]");
  v1::Constraint& least = *field.add_constraints();
  least.set_rule("ge");
  least.set_value_json("5.0");
  v1::Constraint& most = *field.add_constraints();
  most.set_rule("max_items");
  most.mutable_value()->set_number_value(3);
  const auto types = TypeTable::Create({{"Item", Json{{"type", "integer"}}}}).value();
  const auto signature = Signature::FromProto(proto, "", types);
  ASSERT_TRUE(signature.ok()) << signature.status();
  const Field& read = signature->outputs()[0];
  EXPECT_EQ(read.type.ToString(), "list[Item]");
  EXPECT_EQ(read.prefix, "The answer:");
  EXPECT_EQ(read.schema_note, "{}");
  EXPECT_EQ(read.default_value->dump(), "[1,2.0]");
  ASSERT_EQ(read.constraints.size(), 2U);
  EXPECT_EQ(read.constraints[0].rule, "ge");
  EXPECT_EQ(read.constraints[0].value->dump(), "5.0");
  EXPECT_EQ(read.constraints[1].value->dump(), "3");
  EXPECT_EQ(signature->inputs()[0].prefix, "Question:");
  EXPECT_TRUE(signature->inputs()[0].untyped);
  EXPECT_EQ(*signature, *Signature::FromProto(proto, "", types));
  least.set_value_json("5");
  EXPECT_FALSE(*signature == *Signature::FromProto(proto, "", types));
}

TEST(SignatureFromProto, RefusesConstraintsThatMeanNothing) {
  const std::pair<const char*, const char*> cases[] = {
      {"least", "1"},           {"gt", "true"},
      {"multiple_of", "0"},     {"min_length", "-1"},
      {"max_length", "1.5"},    {"unique", "1"},
      {"pattern", "\"(?=a)\""}, {"one_of", "[]"},
      {"one_of", "[[1]]"},      {"allow_inf_nan", "\"x\""},
      {"min_items", "\"1\""},   {"ge", "{"},
  };
  for (const auto& [rule, value] : cases) {
    v1::Signature proto = Proto();
    v1::Constraint& constraint = *proto.mutable_outputs(0)->add_constraints();
    constraint.set_rule(rule);
    constraint.set_value_json(value);
    const absl::Status status = Signature::FromProto(proto).status();
    EXPECT_EQ(ErrorReason(status), reason::kInvalidSignature) << rule << " " << value;
    EXPECT_EQ(ErrorMetadata(status, "field"), "answer");
    EXPECT_EQ(ViolationPath(status).rfind("outputs[0].constraints[0]", 0), 0U) << ViolationPath(status);
  }
  v1::Signature proto = Proto();
  proto.mutable_outputs(0)->set_default_json(std::string(100, '['));
  EXPECT_EQ(ViolationPath(Signature::FromProto(proto).status()), "outputs[0].default_json");
}

}  // namespace
}  // namespace dspex
