#include "server/program/program_cache.h"

#include <absl/strings/str_cat.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

namespace {

// Modules, prefix and their bookkeeping, beside the texts of the definition, which are there about twice.
std::size_t EstimateBytes(const v1::Program& definition) { return 4096 + 2 * definition.ByteSizeLong(); }

}  // namespace

/// A built revision.
struct ProgramCache::Built {
  Key key;
  std::int64_t revision = 0;
  ProgramHandle handle;
  std::size_t bytes = 0;
};

/// One way from the store to a built program, and who waits at its end.
struct ProgramCache::Load {
  Key key;
  std::string selector;
  ProgramName name;
  /// Guarded by the cache's mutex.
  std::vector<std::shared_ptr<Waiter>> waiters;
  /// Written before the waiters are woken, then constant.
  absl::StatusOr<ProgramHandle> result;
};

struct ProgramCache::Entry {
  absl::flat_hash_map<std::int64_t, BuiltList::iterator> revisions;
  absl::flat_hash_map<std::string, BuiltList::iterator> aliases;
  absl::flat_hash_map<std::string, std::shared_ptr<Load>> loads;

  bool empty() const { return revisions.empty() && loads.empty(); }
};

ProgramCache::ProgramCache(ProgramStore& store, ProgramEnvironment environment, TaskScope& scope,
                           asio::any_io_executor executor, Options options)
    : store_(store),
      environment_(std::move(environment)),
      scope_(scope),
      executor_(std::move(executor)),
      options_(options) {
  store_.SetObserver(this);
}

ProgramCache::~ProgramCache() { store_.SetObserver(nullptr); }

std::size_t ProgramCache::size() const {
  MutexLock lock(&mutex_);
  return built_.size();
}

Task<ProgramHandle> ProgramCache::Get(RequestContext context, absl::string_view name) {
  const std::string& tenant = context.record().tenant;
  const std::optional<ProgramNameParts> parts = SplitProgramName(name);
  if (parts.has_value()) {
    std::optional<ProgramHandle> found = Find({tenant, parts->id}, parts->selector);
    if (found.has_value()) co_return *std::move(found);
  }
  absl::StatusOr<ProgramName> parsed = ParseProgramName(name, "program");
  if (!parsed.ok()) co_return parsed.status();

  auto waiter = std::make_shared<Waiter>(co_await asio::this_coro::executor);
  const std::shared_ptr<Load> load = JoinLoad(tenant, *parts, *std::move(parsed), waiter);
  const absl::Status waited = co_await waiter->Wait(context.deadline());
  if (absl::IsDeadlineExceeded(waited)) {
    co_return Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadlineExceeded,
                    "The time for the call was over while its program was read from the database. Allow it more time.")
        .With("where", "program");
  }
  if (!waited.ok()) co_return Error(absl::StatusCode::kCancelled, reason::kCancelled, "The caller went away.");
  co_return load->result;
}

std::optional<ProgramHandle> ProgramCache::Find(KeyView key, absl::string_view selector) {
  MutexLock lock(&mutex_);
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return std::nullopt;
  const auto alias = entry->second->aliases.find(selector);
  if (alias == entry->second->aliases.end()) return std::nullopt;
  built_.splice(built_.begin(), built_, alias->second);
  return alias->second->handle;
}

std::shared_ptr<ProgramCache::Load> ProgramCache::JoinLoad(const std::string& tenant, const ProgramNameParts& parts,
                                                           ProgramName name, std::shared_ptr<Waiter> waiter) {
  std::shared_ptr<Load> load;
  {
    MutexLock lock(&mutex_);
    std::unique_ptr<Entry>& entry = entries_[Key{tenant, name.id}];
    if (entry == nullptr) entry = std::make_unique<Entry>();
    std::shared_ptr<Load>& running = entry->loads[parts.selector];
    if (running != nullptr) {
      running->waiters.push_back(std::move(waiter));
      return running;
    }
    running = std::make_shared<Load>();
    running->key = Key{tenant, name.id};
    running->selector = std::string(parts.selector);
    running->name = std::move(name);
    running->waiters.push_back(std::move(waiter));
    load = running;
  }
  if (!scope_.Spawn(executor_, RunLoad(load))) {
    Finish(load, Error(absl::StatusCode::kUnavailable, reason::kDraining,
                       "The server is going away. Try again, and another one will answer."));
  }
  return load;
}

StatusTask ProgramCache::RunLoad(std::shared_ptr<Load> load) {
  absl::StatusOr<Built> built = co_await ReadAndBuild(load);
  Finish(load, std::move(built));
  co_return absl::OkStatus();
}

Task<ProgramCache::Built> ProgramCache::ReadAndBuild(std::shared_ptr<Load> load) {
  const absl::StatusOr<v1::Program> stored = co_await store_.Get(load->key.tenant, load->name.id, load->name.selector);
  if (!stored.ok()) co_return stored.status();
  Built built{load->key, stored->revision(), {}, EstimateBytes(*stored)};
  built.handle.name = absl::StrCat("programs/", load->name.id, "@", stored->revision());
  absl::StatusOr<std::shared_ptr<const Program>> program = Program::Create(*stored, environment_);
  if (!program.ok()) co_return WithMetadata(program.status(), "program", built.handle.name);
  built.handle.program = *std::move(program);
  co_return built;
}

void ProgramCache::Finish(std::shared_ptr<Load> load, absl::StatusOr<Built> built) {
  MutexLock lock(&mutex_);
  // Not so if the program has changed since the load began.
  bool current = false;
  const auto entry = entries_.find(View(load->key));
  if (entry != entries_.end()) {
    const auto running = entry->second->loads.find(load->selector);
    current = running != entry->second->loads.end() && running->second == load;
    if (current) entry->second->loads.erase(running);
  }
  if (!built.ok()) {
    load->result = built.status();
  } else if (current) {
    load->result = Insert(*entry->second, load->selector, *std::move(built));
  } else {
    load->result = std::move(built->handle);
  }
  if (current) {
    if (entry->second->empty()) entries_.erase(entry);
    Trim();
  }
  for (const std::shared_ptr<Waiter>& waiter : load->waiters) waiter->Wake();
  load->waiters.clear();
}

ProgramHandle ProgramCache::Insert(Entry& entry, const std::string& selector, Built built) {
  // The revision may be there under another of its names.
  auto [known, inserted] = entry.revisions.try_emplace(built.revision);
  if (inserted) {
    bytes_ += built.bytes;
    built_.push_front(std::move(built));
    known->second = built_.begin();
  }
  entry.aliases[selector] = known->second;
  return known->second->handle;
}

void ProgramCache::Trim() {
  while (!built_.empty() && (built_.size() > options_.max_entries || bytes_ > options_.max_bytes)) {
    const BuiltList::iterator oldest = std::prev(built_.end());
    const auto entry = entries_.find(View(oldest->key));
    entry->second->revisions.erase(oldest->revision);
    absl::erase_if(entry->second->aliases, [oldest](const auto& alias) { return alias.second == oldest; });
    if (entry->second->empty()) entries_.erase(entry);
    Drop(oldest);
  }
}

void ProgramCache::OnProgramChanged(absl::string_view tenant, absl::string_view id) {
  MutexLock lock(&mutex_);
  const auto entry = entries_.find(KeyView(tenant, id));
  if (entry == entries_.end()) return;
  for (const auto& [revision, built] : entry->second->revisions) Drop(built);
  // Its loads under way will find themselves without an entry, or with another one.
  entries_.erase(entry);
}

void ProgramCache::Drop(BuiltList::iterator built) {
  bytes_ -= built->bytes;
  built_.erase(built);
}

}  // namespace dspex
