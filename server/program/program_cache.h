#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/mutex.h"
#include "engine/base/task.h"
#include "engine/base/task_scope.h"
#include "engine/base/waiter.h"
#include "engine/program/program.h"
#include "server/program/resource_name.h"
#include "server/store/program_store.h"

namespace dspex {

/// A revision, ready to run.
struct ProgramHandle {
  std::shared_ptr<const Program> program;
  /// "programs/qa@3".
  std::string name;
};

/// Stored programs, built once and found by name: "programs/qa" (newest), "programs/qa@3", "programs/qa@prod".
/// Thread-safe.
///
/// What was found is kept until the store says that the program has changed, which it does before it answers the write:
/// a read that begins after a write of this process was answered never sees the state before it.
///
/// For each program name there is an Entry: the names by which its revisions were asked for (aliases: "", "3", "prod"),
/// each pointing to a built revision, and the loads that are under way. A change drops the entry; a load that belongs
/// to a dropped entry answers those who began to wait before the change, and nobody else.
class ProgramCache : public ProgramObserver {
 public:
  struct Options {
    /// Built revisions kept; the least recently used go first.
    std::size_t max_entries = 1024;
    /// What they may take together, by estimate.
    std::size_t max_bytes = std::size_t{256} << 20;
  };

  /// Registers itself as the store's observer. `store` and what `environment` refers to outlive the cache. Loads run in
  /// `scope` on `executor`, which is single-threaded or a strand; the scope is joined before the cache dies.
  ProgramCache(ProgramStore& store, ProgramEnvironment environment, TaskScope& scope, asio::any_io_executor executor,
               Options options);
  ~ProgramCache() override;

  /// The program of that name, out of memory or out of the store. One load at a time is made for a name; its waiters
  /// give up at their own deadlines, the load goes on. Errors: INVALID_REQUEST (violation of `program`), those of
  /// ProgramStore::Get and Program::Create, DEADLINE_EXCEEDED, CANCELLED, SERVER_DRAINING. `name` outlives the task.
  Task<ProgramHandle> Get(RequestContext context, absl::string_view name);

  void OnProgramChanged(absl::string_view tenant, absl::string_view id) override;

  /// Built revisions in memory.
  std::size_t size() const;

 private:
  struct Load;
  struct Entry;
  struct Built;
  using BuiltList = std::list<Built>;

  struct Key {
    std::string tenant;
    std::string id;
  };
  using KeyView = std::pair<absl::string_view, absl::string_view>;
  static KeyView View(const Key& key) { return {key.tenant, key.id}; }
  static KeyView View(KeyView key) { return key; }
  struct KeyHash {
    using is_transparent = void;
    template <typename K>
    std::size_t operator()(const K& key) const {
      return absl::Hash<KeyView>()(View(key));
    }
  };
  struct KeyEqual {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return View(a) == View(b);
    }
  };

  std::optional<ProgramHandle> Find(KeyView key, absl::string_view selector) ABSL_LOCKS_EXCLUDED(mutex_);
  std::shared_ptr<Load> JoinLoad(const std::string& tenant, const ProgramNameParts& parts, ProgramName name,
                                 std::shared_ptr<Waiter> waiter);
  StatusTask RunLoad(std::shared_ptr<Load> load);
  Task<Built> ReadAndBuild(std::shared_ptr<Load> load);
  void Finish(std::shared_ptr<Load> load, absl::StatusOr<Built> built);
  ProgramHandle Insert(Entry& entry, const std::string& selector, Built built) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Trim() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drop(BuiltList::iterator built) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  ProgramStore& store_;
  const ProgramEnvironment environment_;
  TaskScope& scope_;
  const asio::any_io_executor executor_;
  const Options options_;

  mutable Mutex mutex_;
  absl::flat_hash_map<Key, std::unique_ptr<Entry>, KeyHash, KeyEqual> entries_ ABSL_GUARDED_BY(mutex_);
  /// Most recently used first.
  BuiltList built_ ABSL_GUARDED_BY(mutex_);
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace dspex
