#include "server/program/program_cache.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engine/base/error.h"
#include "engine/base/mutex.h"
#include "engine/base/reasons.h"
#include "engine/base/waiter.h"
#include "engine/module/fake_language_model.h"
#include "server/store/sqlite_program_store.h"
#include "server/store/store_testing.h"

namespace dspex {
namespace {

v1::Program MakeProgram(const std::string& signature, const std::string& description = "") {
  v1::Program program;
  v1::Module* module = program.add_modules();
  module->set_id("qa");
  module->mutable_predict()->set_signature(signature);
  program.set_description(description);
  return program;
}

/// The store, with a count of its reads, which can be held up.
class WatchedStore : public ProgramStore {
 public:
  explicit WatchedStore(ProgramStore& store) : store_(store) {}

  Task<v1::Program> Get(std::string tenant, std::string id, RevisionSelector selector) override {
    ++reads;
    absl::StatusOr<v1::Program> program = co_await store_.Get(std::move(tenant), std::move(id), std::move(selector));
    if (hold_next.exchange(false)) {
      held = std::make_shared<Waiter>(co_await asio::this_coro::executor);
      has_read.Notify();
      const absl::Status woken = co_await held->Wait(kNoDeadline);
      if (!woken.ok()) co_return woken;
    }
    co_return program;
  }
  Task<v1::Program> Create(WriteRequest request, std::string id, v1::Program program) override {
    return store_.Create(std::move(request), std::move(id), std::move(program));
  }
  Task<ProgramPage> List(std::string tenant, std::string after, int limit) override {
    return store_.List(std::move(tenant), std::move(after), limit);
  }
  Task<ProgramPage> ListRevisions(std::string tenant, std::string id, std::int64_t before, int limit) override {
    return store_.ListRevisions(std::move(tenant), std::move(id), before, limit);
  }
  Task<v1::Program> Update(WriteRequest request, std::string id, std::string etag, Change change) override {
    return store_.Update(std::move(request), std::move(id), std::move(etag), std::move(change));
  }
  StatusTask Delete(WriteRequest request, std::string id, std::string etag) override {
    return store_.Delete(std::move(request), std::move(id), std::move(etag));
  }
  Task<v1::Program> SetLabel(WriteRequest request, std::string id, std::string etag, std::string label,
                             std::int64_t revision) override {
    return store_.SetLabel(std::move(request), std::move(id), std::move(etag), std::move(label), revision);
  }
  void SetObserver(ProgramObserver* observer) override { store_.SetObserver(observer); }

  std::atomic<int> reads{0};
  /// Holds up the next read, once it has read, until `held` is woken.
  std::atomic<bool> hold_next{false};
  std::shared_ptr<Waiter> held;
  Notification has_read;

 private:
  ProgramStore& store_;
};

class ProgramCacheTest : public ::testing::Test {
 protected:
  ProgramCacheTest() { MakeCache({}); }
  ~ProgramCacheTest() override {
    scope_.CancelAll();
    scope_.Join(kNoDeadline);
  }

  void MakeCache(ProgramCache::Options options) {
    cache_.reset();
    cache_.emplace(watched_, ProgramEnvironment{.language_models = &models_, .default_lm = ""}, scope_, io_.executor(),
                   options);
  }

  void Create(const std::string& id, const std::string& tenant = "default",
              const std::string& signature = "question -> answer") {
    const auto created = io_.Await(store_->Create({tenant, "", "", ""}, id, MakeProgram(signature)));
    ASSERT_TRUE(created.ok()) << created.status();
  }
  void Update(const std::string& id, const std::string& description) {
    const auto updated =
        io_.Await(store_->Update({"default", "", "", ""}, id, "", [description](const v1::Program& current) {
          v1::Program changed = current;
          changed.set_description(description);
          return absl::StatusOr<v1::Program>(changed);
        }));
    ASSERT_TRUE(updated.ok()) << updated.status();
  }
  void SetLabel(const std::string& id, const std::string& label, std::int64_t revision) {
    ASSERT_TRUE(io_.Await(store_->SetLabel({"default", "", "", ""}, id, "", label, revision)).ok());
  }
  void Delete(const std::string& id) { ASSERT_TRUE(io_.Await(store_->Delete({"default", "", "", ""}, id, "")).ok()); }

  static Task<ProgramHandle> GetTask(ProgramCache& cache, std::string name, std::string tenant, TimePoint deadline) {
    RequestRecord record;
    record.tenant = std::move(tenant);
    co_return co_await cache.Get(RequestContext(record, deadline), name);
  }
  std::future<absl::StatusOr<ProgramHandle>> Start(const std::string& name, TimePoint deadline = kNoDeadline) {
    return io_.Start(GetTask(*cache_, name, "default", deadline));
  }
  absl::StatusOr<ProgramHandle> Get(const std::string& name, const std::string& tenant = "default") {
    return io_.Await(GetTask(*cache_, name, tenant, kNoDeadline));
  }

  TemporaryFolder folder_;
  TestPool io_{4};
  BlockingPool pool_{{}};
  std::unique_ptr<SqliteDatabase> database_ = SqliteDatabase::Open({.directory = folder_.path()}, pool_).value();
  std::unique_ptr<ProgramStore> store_ = MakeSqliteProgramStore(*database_);
  WatchedStore watched_{*store_};
  FakeLanguageModels models_;
  TaskScope scope_;
  std::optional<ProgramCache> cache_;
};

TEST_F(ProgramCacheTest, FindsByEveryNameAndBuildsEachRevisionOnce) {
  Create("qa");
  Update("qa", "two");
  SetLabel("qa", "prod", 1);
  const auto newest = Get("programs/qa");
  ASSERT_TRUE(newest.ok()) << newest.status();
  EXPECT_EQ(newest->name, "programs/qa@2");
  EXPECT_EQ(Get("programs/qa@2")->program, newest->program);
  const auto first = Get("programs/qa@prod");
  EXPECT_EQ(first->name, "programs/qa@1");
  EXPECT_NE(first->program, newest->program);
  EXPECT_EQ(Get("programs/qa@1")->program, first->program);
  EXPECT_EQ(cache_->size(), 2u);
  // From here on, nothing is read.
  const int reads = watched_.reads;
  for (const char* name : {"programs/qa", "programs/qa@1", "programs/qa@2", "programs/qa@prod"}) {
    EXPECT_TRUE(Get(name).ok());
  }
  EXPECT_EQ(watched_.reads, reads);
}

TEST_F(ProgramCacheTest, SaysWhatIsWrongWithAName) {
  EXPECT_EQ(ErrorReason(Get("qa").status()), reason::kInvalidRequest);
  EXPECT_EQ(ErrorReason(Get("programs/Q A").status()), reason::kInvalidRequest);
  const absl::Status unknown = Get("programs/qa").status();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(unknown), reason::kProgramNotFound);
  EXPECT_EQ(ErrorMetadata(unknown, "program"), "programs/qa");
  // That is not remembered.
  Create("qa");
  EXPECT_TRUE(Get("programs/qa").ok());
  EXPECT_EQ(ErrorReason(Get("programs/qa@7").status()), reason::kRevisionNotFound);
  EXPECT_EQ(ErrorReason(Get("programs/qa@prod").status()), reason::kRevisionNotFound);
  EXPECT_EQ(cache_->size(), 1u);
}

TEST_F(ProgramCacheTest, SaysWhenAStoredProgramDoesNotBuild) {
  Create("qa", "default", "no arrow");
  const absl::Status broken = Get("programs/qa").status();
  EXPECT_EQ(broken.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorMetadata(broken, "program"), "programs/qa@1");
}

TEST_F(ProgramCacheTest, TenantsDoNotShare) {
  Create("qa", "us");
  EXPECT_TRUE(Get("programs/qa", "us").ok());
  EXPECT_EQ(ErrorReason(Get("programs/qa", "them").status()), reason::kProgramNotFound);
}

TEST_F(ProgramCacheTest, AnAnsweredWriteIsSeenByTheNextRead) {
  Create("qa");
  for (int revision = 1; revision <= 30; ++revision) {
    ASSERT_EQ(Get("programs/qa")->name, absl::StrCat("programs/qa@", revision));
    SetLabel("qa", "prod", revision);
    ASSERT_EQ(Get("programs/qa@prod")->name, absl::StrCat("programs/qa@", revision));
    Update("qa", absl::StrCat("more than ", revision));
  }
  Delete("qa");
  EXPECT_EQ(ErrorReason(Get("programs/qa").status()), reason::kProgramNotFound);
  EXPECT_EQ(ErrorReason(Get("programs/qa@1").status()), reason::kProgramNotFound);
  EXPECT_EQ(cache_->size(), 0u);
}

// A load that has read the old state when the change commits must not bring it into the cache.
TEST_F(ProgramCacheTest, ALoadThatAChangeOvertookIsNotKept) {
  Create("qa");
  watched_.hold_next = true;
  auto early = Start("programs/qa");
  watched_.has_read.Wait();
  Update("qa", "two");
  EXPECT_EQ(Get("programs/qa")->name, "programs/qa@2");
  watched_.held->Wake();
  // It began before the change, so either answer is right.
  EXPECT_EQ(early.get()->name, "programs/qa@1");
  EXPECT_EQ(Get("programs/qa")->name, "programs/qa@2");
  EXPECT_EQ(cache_->size(), 1u);
}

TEST_F(ProgramCacheTest, OneLoadServesAllWhoWait) {
  Create("qa");
  watched_.hold_next = true;
  auto first = Start("programs/qa");
  watched_.has_read.Wait();
  std::vector<std::future<absl::StatusOr<ProgramHandle>>> others;
  for (int i = 0; i < 20; ++i) others.push_back(Start("programs/qa"));
  // One does not wait to the end; the load goes on.
  auto hasty = Start("programs/qa", Clock::now() + std::chrono::milliseconds(1));
  const absl::Status late = hasty.get().status();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ErrorReason(late), reason::kDeadlineExceeded);
  EXPECT_EQ(ErrorMetadata(late, "where"), "program");
  watched_.held->Wake();
  const auto program = first.get();
  ASSERT_TRUE(program.ok());
  for (auto& other : others) EXPECT_EQ(other.get()->program, program->program);
  EXPECT_EQ(watched_.reads, 1);
}

TEST_F(ProgramCacheTest, DropsTheLeastRecentlyUsed) {
  MakeCache({.max_entries = 2});
  for (const char* id : {"a", "b", "c"}) Create(id);
  for (const char* id : {"a", "b", "a", "c"}) ASSERT_TRUE(Get(absl::StrCat("programs/", id)).ok());
  EXPECT_EQ(cache_->size(), 2u);
  const int reads = watched_.reads;
  ASSERT_TRUE(Get("programs/a").ok());
  EXPECT_EQ(watched_.reads, reads);
  ASSERT_TRUE(Get("programs/b").ok());
  EXPECT_EQ(watched_.reads, reads + 1);
}

TEST_F(ProgramCacheTest, IsBoundedInBytes) {
  MakeCache({.max_entries = 100, .max_bytes = 20'000});
  for (int i = 0; i < 10; ++i) {
    Create(absl::StrCat("p", i));
    ASSERT_TRUE(Get(absl::StrCat("programs/p", i)).ok());
  }
  EXPECT_GE(cache_->size(), 1u);
  EXPECT_LE(cache_->size(), 5u);
  // What does not fit by itself is served and not kept.
  MakeCache({.max_entries = 100, .max_bytes = 1});
  EXPECT_TRUE(Get("programs/p1").ok());
  EXPECT_EQ(cache_->size(), 0u);
}

TEST_F(ProgramCacheTest, RefusesLoadsWhileTheServerDrains) {
  Create("qa");
  scope_.CancelAll();
  const absl::Status refused = Get("programs/qa").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(refused), reason::kDraining);
}

// Readers beside a writer: nobody ever sees a revision older than the last one that was answered before it asked.
TEST_F(ProgramCacheTest, ReadersNeverGoBack) {
  Create("qa");
  std::atomic<std::int64_t> answered{1};
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        const std::int64_t least = answered;
        const auto handle = Get("programs/qa");
        ASSERT_TRUE(handle.ok()) << handle.status();
        const std::int64_t seen = std::stoll(handle->name.substr(handle->name.find('@') + 1));
        ASSERT_GE(seen, least);
      }
    });
  }
  for (int revision = 2; revision <= 60; ++revision) {
    Update("qa", absl::StrCat(revision));
    answered = revision;
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace dspex
