#include "providers/decorators/cache.h"

#include <algorithm>
#include <utility>

#include "engine/lm/delta.h"
#include "providers/decorators/decorator.h"

namespace dspex {

namespace {

// What an entry costs beside its texts: nodes of the list and the index, the heads of strings and vectors.
constexpr std::size_t kEntryBytes = 400;
constexpr std::size_t kPartBytes = 100;

std::size_t SizeOf(const lm::Response& response) {
  std::size_t bytes = kEntryBytes + response.model.size() + response.provider_request_id.size();
  for (const lm::Completion& completion : response.completions) {
    bytes += kPartBytes + completion.text.size() + completion.reasoning.value_or("").size();
    for (const auto& call : completion.tool_calls) {
      bytes += kPartBytes + call.id.size() + call.name.size() + call.arguments.size();
    }
    bytes += lm::SizeOf(completion.logprobs);
    for (const auto& part : completion.reasoning_parts) bytes += kPartBytes + part.dialect.size() + part.json.size();
  }
  return bytes;
}

bool IsComplete(const lm::Response& response) {
  return !response.completions.empty() &&
         std::all_of(response.completions.begin(), response.completions.end(), [](const lm::Completion& completion) {
           return completion.finish_reason == lm::FinishReason::kStop ||
                  completion.finish_reason == lm::FinishReason::kToolCalls;
         });
}

class Cached final : public Decorator {
 public:
  Cached(std::shared_ptr<lm::LanguageModel> inner, ResponseCache& cache, RequestDigester& digester)
      : Decorator(std::move(inner)), cache_(cache), digester_(digester) {}

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override {
    const RequestDigest digest = digester_.Of(context, request);
    // What is behind needs it too.
    context.set_digest(&digest);
    const std::shared_ptr<const lm::Response> kept = cache_.Get(digest);
    if (kept == nullptr) {
      absl::StatusOr<lm::Response> response = co_await inner().Generate(context, request);
      if (response.ok() && response->entry == 0 && IsComplete(*response)) cache_.Put(digest, *response);
      co_return response;
    }
    if (context.deltas() != nullptr) {
      absl::Status put = co_await lm::PutWhole(*kept, *context.deltas());
      if (!put.ok()) co_return put;
    }
    co_return *kept;
  }

 private:
  ResponseCache& cache_;
  RequestDigester& digester_;
};

}  // namespace

std::shared_ptr<const lm::Response> ResponseCache::Get(const RequestDigest& digest) {
  MutexLock lock(&mutex_);
  const auto found = index_.find(digest);
  if (found == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->response;
}

void ResponseCache::Put(const RequestDigest& digest, lm::Response response) {
  // As hits are to be.
  response.usage = {};
  response.attempts = 0;
  response.rate_limits.reset();
  response.from_cache = true;
  const std::size_t bytes = SizeOf(response);
  if (bytes > max_bytes_) return;
  auto kept = std::make_shared<const lm::Response>(std::move(response));
  MutexLock lock(&mutex_);
  // Another call may have put it there meanwhile: who has seen that answer sees it again.
  if (index_.contains(digest)) return;
  entries_.push_front(Entry{digest, std::move(kept), bytes});
  index_.emplace(digest, entries_.begin());
  size_bytes_ += bytes;
  while (size_bytes_ > max_bytes_) {
    const Entry& last = entries_.back();
    size_bytes_ -= last.bytes;
    index_.erase(last.digest);
    entries_.pop_back();
  }
}

std::size_t ResponseCache::size_bytes() const {
  MutexLock lock(&mutex_);
  return size_bytes_;
}

std::shared_ptr<lm::LanguageModel> NewCached(std::shared_ptr<lm::LanguageModel> inner, ResponseCache& cache,
                                             RequestDigester& digester) {
  return std::make_shared<Cached>(std::move(inner), cache, digester);
}

}  // namespace dspex
