#include "engine/program/program.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/module/fake_language_model.h"
#include "engine/module/module_trace.h"
#include "google/rpc/error_details.pb.h"

namespace dspex {
namespace {

using ::testing::HasSubstr;

v1::Program Definition(const std::string& text) {
  v1::Program program;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &program)) << text;
  return program;
}

// One module, `predict` with these fields.
std::string One(absl::string_view predict) {
  return absl::StrCat("lm: 'fake/model' modules { id: 'qa' predict { ", predict, " } }");
}

// The path of the status's first BadRequest violation.
std::string ViolationPath(const absl::Status& status) {
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  google::rpc::BadRequest detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) return "none";
  return detail.field_violations().empty() ? "none" : detail.field_violations(0).field();
}

class ProgramTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::shared_ptr<const Program>> Create(const std::string& text) {
    return Program::Create(Definition(text), environment_);
  }

  absl::StatusOr<Json> Forward(const Program& program, Json inputs) {
    const Sampling unchanged;
    const absl::StatusOr<Prediction> prediction =
        RunTask(program.Forward(RequestContext(record_, kNoDeadline), std::move(inputs), unchanged));
    if (!prediction.ok()) return prediction.status();
    return prediction->outputs;
  }

  void ExpectInvalid(const std::string& text, const std::string& path, const std::string& reason = "INVALID_PROGRAM") {
    SCOPED_TRACE(text);
    const absl::Status status = Create(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(ErrorReason(status), reason);
    EXPECT_EQ(ViolationPath(status), path);
  }

  void ExpectUnsupported(const std::string& text, const std::string& feature) {
    SCOPED_TRACE(text);
    const absl::Status status = Create(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
    EXPECT_EQ(ErrorReason(status), "UNSUPPORTED");
    EXPECT_EQ(ErrorMetadata(status, "feature"), feature);
  }

  FakeLanguageModels models_;
  ProgramEnvironment environment_{.language_models = &models_, .default_lm = ""};
  RequestRecord record_;
};

TEST_F(ProgramTest, RunsItsModule) {
  const auto program = Create(One("signature: 'question -> answer: int' options { temperature: 0 max_tokens: 9 }"));
  ASSERT_TRUE(program.ok()) << program.status();
  record_.keep_trace = true;
  models_.model->Answer("[[ ## answer ## ]]\n4");
  const auto outputs = Forward(**program, Json{{"question", "2+2?"}});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_EQ(outputs->dump(), R"({"answer":4})");
  EXPECT_EQ(models_.model->requests[0].options->max_tokens, 9);
  EXPECT_EQ(models_.model->requests[0].options->temperature, 0);
  EXPECT_FALSE(models_.model->requests[0].options->seed.has_value());
  ASSERT_EQ(record_.trace.size(), 2u);
  EXPECT_EQ(record_.trace[0].name, "qa");
  EXPECT_EQ(record_.trace[1].name, "lm");
  EXPECT_EQ(record_.trace[1].parent, 0);
  EXPECT_GE(record_.trace[0].end, record_.trace[1].end);
}

TEST_F(ProgramTest, NotesTheCallsOfItsModuleThatWentWell) {
  const auto program = Create(One("signature: 'question -> answer: int'"));
  ASSERT_TRUE(program.ok()) << program.status();
  ModuleTrace trace;
  record_.calls = &trace;
  models_.model->Answer("[[ ## answer ## ]]\n4");
  ASSERT_TRUE(Forward(**program, Json{{"question", "2+2?"}}).ok());
  ASSERT_EQ(trace.calls.size(), 1u);
  EXPECT_EQ(trace.calls[0].module, 0u);
  EXPECT_EQ(trace.calls[0].inputs.dump(), R"({"question":"2+2?"})");
  EXPECT_EQ(trace.calls[0].outputs.dump(), R"({"answer":4})");
  EXPECT_TRUE(record_.trace.empty());
  models_.model->Answer("nothing");
  models_.model->Answer("nothing");
  EXPECT_FALSE(Forward(**program, Json{{"question", "2+2?"}}).ok());
  EXPECT_EQ(trace.calls.size(), 1u);
}

TEST_F(ProgramTest, TakesAStructuredSignatureAndInstructionsInPlaceOfItsOwn) {
  const auto program = Create(One(
      "structured_signature { instructions: 'Old.' inputs { name: 'q' } outputs { name: 'n' type: 'int' description: "
      "'how many' } } instructions: 'New.'"));
  ASSERT_TRUE(program.ok()) << program.status();
  const auto rendered = (*program)->Render(Json{{"q", "?"}}, {});
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  EXPECT_THAT((*rendered)[0].request.body, HasSubstr("New."));
  EXPECT_THAT((*rendered)[0].request.body, Not(HasSubstr("Old.")));
  EXPECT_THAT((*rendered)[0].request.body, HasSubstr("`n` (int): how many"));
}

TEST_F(ProgramTest, RenderNamesModuleAndModel) {
  const auto program = Create(One("signature: 'q -> a'"));
  ASSERT_TRUE(program.ok()) << program.status();
  const auto rendered = (*program)->Render(Json{{"q", "?"}}, {});
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  ASSERT_EQ(rendered->size(), 1u);
  EXPECT_EQ((*rendered)[0].module, "qa");
  EXPECT_EQ((*rendered)[0].lm, "fake/model");
  EXPECT_EQ((*rendered)[0].request.url, "fake://model");
}

TEST_F(ProgramTest, ParseTakesTheModuleByItsId) {
  const auto program = Create(One("signature: 'q -> a'"));
  ASSERT_TRUE(program.ok()) << program.status();
  for (const char* module : {"", "qa"}) {
    EXPECT_EQ((*program)->Parse(module, "[[ ## a ## ]]\nx").value().outputs.dump(), R"({"a":"x"})");
  }
  const absl::Status status = (*program)->Parse("other", "").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(status), "INVALID_REQUEST");
  EXPECT_EQ(ErrorMetadata(status, "modules"), "qa");
  EXPECT_EQ(ViolationPath(status), "module");
}

TEST_F(ProgramTest, ModelIsTheModulesThenTheProgramsThenTheServers) {
  environment_.default_lm = "c/three";
  ASSERT_TRUE(Create("lm: 'b/two' modules { id: 'm' lm: 'a/one' predict { signature: 'q -> a' } }").ok());
  ASSERT_TRUE(Create("lm: 'b/two' modules { id: 'm' predict { signature: 'q -> a' } }").ok());
  ASSERT_TRUE(Create("modules { id: 'm' predict { signature: 'q -> a' } }").ok());
  EXPECT_THAT(models_.asked, ::testing::ElementsAre("a/one", "b/two", "c/three"));
}

TEST_F(ProgramTest, WithoutAModelForwardSaysWhatToDo) {
  const auto program = Create("modules { id: 'm' predict { signature: 'q -> a' } }");
  ASSERT_TRUE(program.ok()) << program.status();
  for (const absl::Status& status :
       {Forward(**program, Json{{"q", "?"}}).status(), (*program)->Render(Json{{"q", "?"}}, {}).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ErrorReason(status), "NO_LANGUAGE_MODEL");
    EXPECT_THAT(std::string(status.message()), HasSubstr("provider/model"));
  }
  EXPECT_TRUE((*program)->Parse("", "[[ ## a ## ]]\nx").ok());
}

TEST_F(ProgramTest, UnknownProviderIsAnErrorOfForwardOnly) {
  const auto program = Create("lm: 'other/model' modules { id: 'm' predict { signature: 'q -> a' } }");
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(Forward(**program, Json{{"q", "?"}}).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ProgramTest, DemosComeAsStructOrJson) {
  const auto program = Create(One(
      "signature: 'q, n: int -> a: float' demos { fields { fields { key: 'q' value { string_value: 'one' } } fields { "
      "key: 'n' value { number_value: 3 } } fields { key: 'a' value { number_value: 5 } } } } demos { fields_json: "
      "'{\"a\": 2.5, \"n\": 4, \"q\": \"two\"}' }"));
  ASSERT_TRUE(program.ok()) << program.status();
  const std::string body = (*program)->Render(Json{{"q", "?"}, {"n", 0}}, {}).value()[0].request.body;
  EXPECT_THAT(body, HasSubstr("[[ ## q ## ]]\none\n\n[[ ## n ## ]]\n3\n<assistant>\n[[ ## a ## ]]\n5.0\n"));
  EXPECT_THAT(body, HasSubstr("[[ ## q ## ]]\ntwo\n\n[[ ## n ## ]]\n4\n<assistant>\n[[ ## a ## ]]\n2.5\n"));
}

TEST_F(ProgramTest, DemosThatDoNotFitNameTheirPlace) {
  const std::string signature = "signature: 'q -> a: int' demos { fields_json: '{\"q\": \"x\", \"a\": 1}' } ";
  ExpectInvalid(One(signature + "demos { fields_json: '{\"q\": \"x\", \"b\": 1}' }"),
                "modules[0].predict.demos[1].fields_json", "UNKNOWN_FIELD");
  ExpectInvalid(One(signature + "demos { fields_json: '{\"q\": \"x\", \"a\": \"many\"}' }"),
                "modules[0].predict.demos[1].fields_json", "INVALID_VALUE");
  ExpectInvalid(One(signature + "demos { fields_json: '{\"q\": ' }"), "modules[0].predict.demos[1].fields_json",
                "INVALID_JSON");
  ExpectInvalid(One(signature + "demos { fields { fields { key: 'b' value { number_value: 3 } } } }"),
                "modules[0].predict.demos[1].fields.b", "UNKNOWN_FIELD");
  ExpectInvalid(One(signature + "demos { fields { fields { key: 'a' value { bool_value: true } } fields { key: 'q' "
                                "value { number_value: 3 } } } }"),
                "modules[0].predict.demos[1].fields.q", "INVALID_VALUE");
}

TEST_F(ProgramTest, RefusesByNameWhatItDoesNotRun) {
  for (const char* kind : {"react", "best_of_n", "refine", "multi_chain_comparison", "python"}) {
    ExpectUnsupported(absl::StrCat("modules { id: 'm' ", kind, " { } }"), kind);
  }
  const std::string predict = "predict { signature: 'q -> a' } ";
  ExpectUnsupported("modules { id: 'm' execution_backend: EXECUTION_BACKEND_PYTHON " + predict + "}",
                    "EXECUTION_BACKEND_PYTHON");
}

TEST_F(ProgramTest, RefusesWhatIsNotWellFormed) {
  const std::string predict = "predict { signature: 'q -> a' } ";
  ExpectInvalid("", "modules");
  ExpectInvalid("modules { id: 'm' }", "modules[0]");
  ExpectInvalid("modules { id: 'm' execution_backend: 9 " + predict + "}", "modules[0].execution_backend");
  ExpectInvalid("modules { id: 'm' " + predict + "} modules { id: 'm' " + predict + "}", "modules[1].id");
  for (const std::string& id : {std::string(), std::string("Qa"), std::string("1a"), std::string("a b"),
                                std::string("\\303\\244"), std::string(64, 'a')}) {
    ExpectInvalid("modules { id: '" + id + "' " + predict + "}", "modules[0].id");
  }
  ASSERT_TRUE(Create("modules { id: '" + std::string(63, 'a') + "' " + predict + "}").ok());
  for (const std::string& lm : {std::string("gpt"), std::string("/m"), std::string("p/"), std::string("p/a b"),
                                std::string("p/") + std::string(300, 'm')}) {
    ExpectInvalid("lm: '" + lm + "' modules { id: 'm' " + predict + "}", "lm");
    ExpectInvalid("modules { id: 'm' lm: '" + lm + "' " + predict + "}", "modules[0].lm");
  }
  for (const char* timeout : {"", "seconds: -1", "seconds: 1 nanos: -1", "seconds: 100000"}) {
    ExpectInvalid(absl::StrCat("timeout { ", timeout, " } modules { id: 'm' ", predict, "}"), "timeout");
  }
}

TEST_F(ProgramTest, SignatureErrorsSayWhere) {
  ExpectInvalid("modules { id: 'm' predict { } }", "modules[0].predict.signature");
  ExpectInvalid(One("signature: 'q -> a: lisst[int]'"), "modules[0].predict.signature", "INVALID_SIGNATURE");
  EXPECT_EQ(ErrorMetadata(Create(One("signature: 'q -> a: lisst[int]'")).status(), "position"), "8");
  const absl::Status structured = Create(One("structured_signature { outputs { name: 'a' type: 'lisst' } }")).status();
  EXPECT_EQ(ErrorReason(structured), "INVALID_SIGNATURE");
  EXPECT_THAT(ViolationPath(structured), ::testing::StartsWith("modules[0].predict.structured_signature"));
}

TEST_F(ProgramTest, OptionsHaveRanges) {
  const auto with = [](absl::string_view options) {
    return One(absl::StrCat("signature: 'q -> a' options { ", options, " }"));
  };
  const std::pair<const char*, const char*> bad[] = {
      {"temperature: -0.1", "temperature"},
      {"temperature: 2.1", "temperature"},
      {"temperature: nan", "temperature"},
      {"top_p: 0", "top_p"},
      {"top_p: 1.1", "top_p"},
      {"top_p: inf", "top_p"},
      {"max_tokens: 0", "max_tokens"},
      {"max_tokens: -5", "max_tokens"},
      {"frequency_penalty: -2.5", "frequency_penalty"},
      {"presence_penalty: 2.5", "presence_penalty"},
      {"stop: 'a' stop: 'b' stop: 'c' stop: 'd' stop: 'e'", "stop"},
      {"stop: 'a' stop: ''", "stop[1]"},
      {"logprobs: true top_logprobs: -1", "top_logprobs"},
      {"logprobs: true top_logprobs: 21", "top_logprobs"},
      {"logprobs: false top_logprobs: 1", "top_logprobs"},
      {"top_logprobs: 1", "top_logprobs"},
  };
  for (const auto& [options, field] : bad) {
    ExpectInvalid(with(options), absl::StrCat("modules[0].predict.options.", field));
  }
  const auto program =
      Create(with("temperature: 2 top_p: 1 max_tokens: 1 frequency_penalty: -2 presence_penalty: 2 "
                  "stop: 'a' stop: 'b' stop: 'c' stop: 'd' seed: -1 logprobs: true top_logprobs: 20"));
  EXPECT_TRUE(program.ok()) << program.status();
}

TEST_F(ProgramTest, SizesAreBounded) {
  v1::Program many = Definition(One("signature: 'q -> a'"));
  for (int i = 0; i < 1001; ++i) many.mutable_modules(0)->mutable_predict()->add_demos()->set_fields_json("{}");
  EXPECT_EQ(ViolationPath(Program::Create(many, environment_).status()), "modules[0].predict.demos");
  v1::Program large = Definition(One("signature: 'q -> a'"));
  large.set_description(std::string(std::size_t{5} << 20, 'x'));
  EXPECT_EQ(ErrorReason(Program::Create(large, environment_).status()), "INVALID_PROGRAM");
}

TEST_F(ProgramTest, TimeoutIsTheDefinitions) {
  EXPECT_EQ((*Create(One("signature: 'q -> a'")))->timeout(), Clock::duration::max());
  EXPECT_EQ((*Create("timeout { seconds: 2 nanos: 500000000 } " + One("signature: 'q -> a'")))->timeout(),
            std::chrono::milliseconds(2500));
}

TEST_F(ProgramTest, InlineProgramsPrefixIsNotReusable) {
  environment_.reusable = false;
  const auto program = Create(One("signature: 'q -> a'"));
  ASSERT_TRUE(program.ok()) << program.status();
  models_.model->Answer("[[ ## a ## ]]\nx");
  ASSERT_TRUE(Forward(**program, Json{{"q", "?"}}).ok());
  EXPECT_FALSE(models_.model->requests[0].prefix->reusable());
}

}  // namespace
}  // namespace dspex
