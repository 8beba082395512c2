#include "server/service/program_service.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/module/fake_language_model.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/store/program_definition.h"
#include "server/store/sqlite_program_store.h"
#include "server/store/store_testing.h"

namespace dspex {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Violations(const absl::Status& status) {
  std::vector<std::string> fields;
  const google::rpc::Status rpc_status = ToRpcStatus(status);
  for (const auto& detail : rpc_status.details()) {
    google::rpc::BadRequest bad_request;
    if (!detail.UnpackTo(&bad_request)) continue;
    for (const auto& violation : bad_request.field_violations()) fields.push_back(violation.field());
  }
  return fields;
}

void ExpectInvalid(const absl::Status& status, const std::string& field) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(ErrorReason(status), reason::kInvalidRequest);
  EXPECT_THAT(Violations(status), ElementsAre(field));
}

class ProgramServiceTest : public ::testing::Test {
 protected:
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(StatusTask (ProgramService::*method)(RequestContext, const Request&, Response&),
                                const Request& request, const std::string& tenant = "default") {
    RequestRecord record;
    record.tenant = tenant;
    Response response;
    const absl::Status status = io_.Await((service_.*method)(RequestContext(record, kNoDeadline), request, response));
    if (!status.ok()) return status;
    return response;
  }

  static v1::CreateProgramRequest CreateRequest(const std::string& id, const std::string& description = "one") {
    v1::CreateProgramRequest request;
    request.set_program_id(id);
    request.mutable_program()->set_description(description);
    v1::Module* module = request.mutable_program()->add_modules();
    module->set_id("qa");
    module->mutable_predict()->set_signature("question -> answer");
    return request;
  }
  absl::StatusOr<v1::CreateProgramResponse> Create(const v1::CreateProgramRequest& request) {
    return Call(&ProgramService::CreateProgram, request);
  }
  absl::StatusOr<v1::Program> Get(const std::string& name) {
    v1::GetProgramRequest request;
    request.set_name(name);
    const auto response = Call(&ProgramService::GetProgram, request);
    if (!response.ok()) return response.status();
    return response->program();
  }
  static v1::UpdateProgramRequest UpdateRequest(const std::string& name, std::vector<std::string> paths = {}) {
    v1::UpdateProgramRequest request;
    *request.mutable_program() = CreateRequest("").program();
    request.mutable_program()->set_name(name);
    for (std::string& path : paths) request.mutable_update_mask()->add_paths(std::move(path));
    return request;
  }
  absl::StatusOr<v1::UpdateProgramResponse> Update(const v1::UpdateProgramRequest& request) {
    return Call(&ProgramService::UpdateProgram, request);
  }
  absl::StatusOr<v1::DeleteProgramResponse> Delete(const std::string& name) {
    v1::DeleteProgramRequest request;
    request.set_name(name);
    return Call(&ProgramService::DeleteProgram, request);
  }
  absl::StatusOr<v1::SetProgramLabelResponse> SetLabel(const std::string& name, const std::string& label,
                                                       std::int64_t revision) {
    v1::SetProgramLabelRequest request;
    request.set_name(name);
    request.set_label(label);
    request.set_revision(revision);
    return Call(&ProgramService::SetProgramLabel, request);
  }

  TemporaryFolder folder_;
  TestPool io_{2};
  BlockingPool pool_{{}};
  std::unique_ptr<SqliteDatabase> database_ = SqliteDatabase::Open({.directory = folder_.path()}, pool_).value();
  std::unique_ptr<ProgramStore> store_ = MakeSqliteProgramStore(*database_);
  FakeLanguageModels models_;
  ProgramService service_{*store_, ProgramEnvironment{.language_models = &models_, .default_lm = ""}};
};

TEST_F(ProgramServiceTest, CreatesAndGets) {
  const auto created = Create(CreateRequest("qa"));
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->program().name(), "programs/qa");
  EXPECT_EQ(created->program().revision(), 1);
  EXPECT_EQ(Get("programs/qa")->etag(), created->program().etag());
  EXPECT_EQ(Get("programs/qa@1")->name(), "programs/qa@1");
  EXPECT_EQ(ErrorReason(Create(CreateRequest("qa")).status()), reason::kProgramExists);
}

TEST_F(ProgramServiceTest, RefusesMalformedCreates) {
  for (const char* id : {"", "QA", "1a", "a_b", "a/b", "programs/qa"}) {
    ExpectInvalid(Create(CreateRequest(id)).status(), "program_id");
  }
  v1::CreateProgramRequest request = CreateRequest("qa");
  request.clear_program();
  ExpectInvalid(Create(request).status(), "program");
  request = CreateRequest("qa");
  request.set_request_id(std::string(129, 'x'));
  ExpectInvalid(Create(request).status(), "request_id");
  request = CreateRequest("qa", std::string(10'001, 'x'));
  ExpectInvalid(Create(request).status(), "program.description");
  // The engine's error has the path within the request.
  request = CreateRequest("qa");
  request.mutable_program()->mutable_modules(0)->mutable_predict()->set_signature("no arrow");
  const absl::Status invalid = Create(request).status();
  EXPECT_EQ(invalid.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(invalid), reason::kInvalidSignature);
  EXPECT_THAT(Violations(invalid), ElementsAre("program.modules[0].predict.signature"));
  EXPECT_EQ(ErrorReason(Get("programs/qa").status()), reason::kProgramNotFound);
}

TEST_F(ProgramServiceTest, CountsCharactersNotBytes) {
  v1::CreateProgramRequest request = CreateRequest("qa");
  std::string id;
  for (int i = 0; i < 128; ++i) id += "\xC3\xA4";
  request.set_request_id(id);
  EXPECT_TRUE(Create(request).ok());
}

TEST_F(ProgramServiceTest, ValidateOnlyStoresNothing) {
  v1::CreateProgramRequest create = CreateRequest("qa");
  create.set_validate_only(true);
  create.set_request_id("r1");
  const auto preview = Create(create);
  ASSERT_TRUE(preview.ok()) << preview.status();
  EXPECT_EQ(preview->program().name(), "programs/qa");
  EXPECT_EQ(preview->program().revision(), 1);
  EXPECT_EQ(ErrorReason(Get("programs/qa").status()), reason::kProgramNotFound);
  create.set_validate_only(false);
  ASSERT_TRUE(Create(create).ok());
  create.set_validate_only(true);
  EXPECT_EQ(ErrorReason(Create(create).status()), reason::kProgramExists);

  v1::UpdateProgramRequest update = UpdateRequest("programs/qa");
  update.mutable_program()->set_description("two");
  update.set_validate_only(true);
  EXPECT_EQ(Update(update)->program().revision(), 2);
  EXPECT_EQ(Get("programs/qa")->revision(), 1);
  update.mutable_program()->set_etag("old");
  EXPECT_EQ(ErrorReason(Update(update).status()), reason::kEtagMismatch);
  update.mutable_program()->set_name("programs/none");
  EXPECT_EQ(ErrorReason(Update(update).status()), reason::kProgramNotFound);
}

TEST_F(ProgramServiceTest, AnUpdateWithoutAMaskTakesEverything) {
  v1::CreateProgramRequest create = CreateRequest("qa");
  create.mutable_program()->set_lm("openai/a");
  create.mutable_program()->mutable_timeout()->set_seconds(5);
  ASSERT_TRUE(Create(create).ok());
  for (const bool star : {false, true}) {
    v1::UpdateProgramRequest update = UpdateRequest("programs/qa");
    update.mutable_program()->set_description(star ? "star" : "none");
    if (star) update.mutable_update_mask()->add_paths("*");
    const auto updated = Update(update);
    ASSERT_TRUE(updated.ok()) << updated.status();
    EXPECT_EQ(updated->program().revision(), star ? 3 : 2);
    EXPECT_EQ(updated->program().lm(), "");
    EXPECT_FALSE(updated->program().has_timeout());
    EXPECT_EQ(updated->program().description(), star ? "star" : "none");
  }
}

TEST_F(ProgramServiceTest, AMaskTakesWhatItNames) {
  v1::CreateProgramRequest create = CreateRequest("qa");
  create.mutable_program()->set_lm("openai/a");
  create.mutable_program()->mutable_timeout()->set_seconds(5);
  ASSERT_TRUE(Create(create).ok());

  // What the server sets may be named, and is not changed.
  v1::UpdateProgramRequest update = UpdateRequest("programs/qa", {"description", "description", "timeout", "revision"});
  update.mutable_program()->clear_modules();
  update.mutable_program()->set_lm("openai/b");
  update.mutable_program()->set_description("two");
  update.mutable_program()->set_revision(9);
  const auto updated = Update(update);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->program().revision(), 2);
  EXPECT_EQ(updated->program().description(), "two");
  EXPECT_EQ(updated->program().lm(), "openai/a");
  EXPECT_FALSE(updated->program().has_timeout());
  EXPECT_EQ(updated->program().modules_size(), 1);

  // The whole is validated, not the part.
  const absl::Status invalid = Update([] {
                                 v1::UpdateProgramRequest no_modules = UpdateRequest("programs/qa", {"modules"});
                                 no_modules.mutable_program()->clear_modules();
                                 return no_modules;
                               }())
                                   .status();
  EXPECT_EQ(invalid.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Violations(invalid), ElementsAre("program.modules"));
  // Nothing changed, so no revision.
  EXPECT_EQ(Update(update)->program().revision(), 2);
  EXPECT_EQ(Update(UpdateRequest("programs/qa", {"etag"}))->program().revision(), 2);
}

TEST_F(ProgramServiceTest, RefusesMalformedUpdates) {
  ASSERT_TRUE(Create(CreateRequest("qa")).ok());
  for (const char* path : {"modules.predict", "nothing", "", "modules[0]"}) {
    const absl::Status refused = Update(UpdateRequest("programs/qa", {"lm", path})).status();
    ExpectInvalid(refused, "update_mask");
    EXPECT_EQ(ErrorMetadata(refused, "path"), path);
  }
  ExpectInvalid(Update(UpdateRequest("programs/qa", {"*", "lm"})).status(), "update_mask");
  ExpectInvalid(Update(UpdateRequest("programs/qa@1")).status(), "program.name");
  ExpectInvalid(Update(UpdateRequest("qa")).status(), "program.name");
  ExpectInvalid(Update(v1::UpdateProgramRequest()).status(), "program");
  EXPECT_EQ(ErrorReason(Update(UpdateRequest("programs/none")).status()), reason::kProgramNotFound);
}

TEST_F(ProgramServiceTest, ARepeatedRequestGetsTheSameAnswer) {
  v1::CreateProgramRequest create = CreateRequest("qa");
  create.set_request_id("r1");
  const auto created = Create(create);
  EXPECT_EQ(SerializeDeterministically(*Create(create)), SerializeDeterministically(*created));
  create.mutable_program()->set_description("another");
  const absl::Status reused = Create(create).status();
  EXPECT_EQ(reused.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ErrorReason(reused), reason::kRequestIdReused);

  v1::DeleteProgramRequest remove;
  remove.set_name("programs/qa");
  remove.set_request_id("r2");
  EXPECT_TRUE(Call(&ProgramService::DeleteProgram, remove).ok());
  EXPECT_TRUE(Call(&ProgramService::DeleteProgram, remove).ok());
  remove.set_request_id("r3");
  EXPECT_EQ(ErrorReason(Call(&ProgramService::DeleteProgram, remove).status()), reason::kProgramNotFound);
}

TEST_F(ProgramServiceTest, PagesThroughPrograms) {
  std::set<std::string> expected;
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(Create(CreateRequest(absl::StrCat("p", i))).ok());
    expected.insert(absl::StrCat("programs/p", i));
  }
  v1::ListProgramsRequest request;
  EXPECT_EQ(Call(&ProgramService::ListPrograms, request)->programs_size(), 50);
  request.set_page_size(100'000);
  EXPECT_EQ(Call(&ProgramService::ListPrograms, request)->programs_size(), 60);
  EXPECT_THAT(Call(&ProgramService::ListPrograms, request)->next_page_token(), IsEmpty());
  request.set_page_size(7);
  std::set<std::string> seen;
  do {
    const auto page = Call(&ProgramService::ListPrograms, request);
    ASSERT_TRUE(page.ok()) << page.status();
    ASSERT_LE(page->programs_size(), 7);
    for (const v1::Program& program : page->programs()) EXPECT_TRUE(seen.insert(program.name()).second);
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, expected);
  request.set_page_size(-1);
  ExpectInvalid(Call(&ProgramService::ListPrograms, request).status(), "page_size");
}

TEST_F(ProgramServiceTest, PagesThroughRevisions) {
  ASSERT_TRUE(Create(CreateRequest("qa", "1")).ok());
  for (int i = 2; i <= 5; ++i) {
    v1::UpdateProgramRequest update = UpdateRequest("programs/qa", {"description"});
    update.mutable_program()->set_description(absl::StrCat(i));
    ASSERT_TRUE(Update(update).ok());
  }
  v1::ListProgramRevisionsRequest request;
  request.set_name("programs/qa");
  request.set_page_size(2);
  std::vector<std::string> seen;
  do {
    const auto page = Call(&ProgramService::ListProgramRevisions, request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Program& program : page->revisions()) seen.push_back(program.name() + " " + program.description());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(
      seen, ElementsAre("programs/qa@5 5", "programs/qa@4 4", "programs/qa@3 3", "programs/qa@2 2", "programs/qa@1 1"));
  request.set_name("programs/qa@1");
  ExpectInvalid(Call(&ProgramService::ListProgramRevisions, request).status(), "name");
}

TEST_F(ProgramServiceTest, APageTokenIsForItsListOnly) {
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(Create(CreateRequest(id)).ok());
  v1::ListProgramsRequest programs;
  programs.set_page_size(1);
  const std::string token = Call(&ProgramService::ListPrograms, programs)->next_page_token();
  ASSERT_FALSE(token.empty());

  v1::ListProgramRevisionsRequest revisions;
  revisions.set_name("programs/a");
  revisions.set_page_token(token);
  ExpectInvalid(Call(&ProgramService::ListProgramRevisions, revisions).status(), "page_token");
  programs.set_page_token(token);
  ExpectInvalid(Call(&ProgramService::ListPrograms, programs, "another").status(), "page_token");
  std::vector<std::string> bad = {"x", "!!", token + "A", token.substr(1), std::string(10'000, 'A')};
  for (std::size_t i = 0; i < token.size(); ++i) {
    bad.push_back(token);
    bad.back()[i] = token[i] == 'A' ? 'B' : 'A';
  }
  for (const std::string& tampered : bad) {
    programs.set_page_token(tampered);
    ExpectInvalid(Call(&ProgramService::ListPrograms, programs).status(), "page_token");
  }
}

TEST_F(ProgramServiceTest, SetsLabels) {
  ASSERT_TRUE(Create(CreateRequest("qa")).ok());
  EXPECT_EQ(SetLabel("programs/qa", "prod", 1)->program().labels().at("prod"), 1);
  EXPECT_EQ(Get("programs/qa@prod")->name(), "programs/qa@1");
  EXPECT_TRUE(SetLabel("programs/qa", "prod", 0)->program().labels().empty());
  EXPECT_EQ(ErrorReason(SetLabel("programs/qa", "prod", 5).status()), reason::kRevisionNotFound);
  ExpectInvalid(SetLabel("programs/qa", "Prod", 1).status(), "label");
  ExpectInvalid(SetLabel("programs/qa", "7", 1).status(), "label");
  ExpectInvalid(SetLabel("programs/qa", "prod", -1).status(), "revision");
  ExpectInvalid(SetLabel("programs/qa@1", "prod", 1).status(), "name");
}

TEST_F(ProgramServiceTest, DeletesAndRefusesRevisions) {
  ASSERT_TRUE(Create(CreateRequest("qa")).ok());
  ExpectInvalid(Delete("programs/qa@1").status(), "name");
  EXPECT_TRUE(Delete("programs/qa").ok());
  EXPECT_EQ(ErrorReason(Get("programs/qa").status()), reason::kProgramNotFound);
  ExpectInvalid(Get("qa").status(), "name");
}

}  // namespace
}  // namespace dspex
