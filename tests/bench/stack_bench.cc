// What the decorators take of one call, in process: put together as the server does, around a model that answers in the
// event loop's next turn. Each call has a record, a deadline and another last turn.

#include <absl/strings/str_cat.h>
#include <benchmark/benchmark.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/task_scope.h"
#include "engine/base/time_source.h"
#include "engine/lm/language_model.h"
#include "providers/decorators/compose.h"
#include "providers/decorators/decorator.h"
#include "providers/decorators/jitter.h"
#include "tests/bench/canned_model.h"

namespace dspex {
namespace {

using std::chrono::seconds;

constexpr int kDemos = 8;
constexpr int kInFlight = 64;
constexpr seconds kTimeout{300};
// Full soon, as a server's is after a while.
constexpr std::size_t kCacheBytes = std::size_t{1} << 20;

class Unobserved final : public AttemptObserver {
 public:
  void OnAttempt(const Attempt& attempt) override { benchmark::DoNotOptimize(attempt.duration); }
};

/// A provider's answer comes by the event loop, not at once.
class Awaited final : public Decorator {
 public:
  explicit Awaited(std::shared_ptr<lm::LanguageModel> inner) : Decorator(std::move(inner)) {}

  Task<lm::Response> Generate(RequestContext context, const lm::Request& request) override {
    co_await asio::post(asio::use_awaitable);
    absl::StatusOr<lm::Response> response = co_await inner().Generate(context, request);
    co_return response;
  }
};

/// Makes the stacks and owns what they are made of.
class Stacks {
 public:
  std::shared_ptr<lm::LanguageModel> Bare() { return model_; }

  /// As without configuration: one endpoint, whose limits nobody names.
  std::shared_ptr<lm::LanguageModel> Default() { return Compose(Plain(), nullptr); }

  /// The same with the cache of answers, and with it the sharing of equal calls.
  std::shared_ptr<lm::LanguageModel> WithCache() { return Compose(Plain(), &sharing_); }

  /// With two endpoints that have limits and prices, and a fallback.
  std::shared_ptr<lm::LanguageModel> Several() { return Compose(Rich(), nullptr); }

  /// With all there is.
  std::shared_ptr<lm::LanguageModel> Whole() { return Compose(Rich(), &sharing_); }

 private:
  /// What the models of an endpoint share.
  struct Place {
    Place(Limiter::Options limits, TimeSource& time) : breaker({}, time), limiter(limits, time) {}
    Breaker breaker;
    Limiter limiter;
  };

  std::shared_ptr<lm::LanguageModel> Compose(std::vector<ChainEntry> chain, const CallSharing* sharing) {
    return ComposeChain(std::move(chain), {}, sharing, {observer_, time_, [this] { return jitter_(); }});
  }

  std::vector<ChainEntry> Plain() { return {Entry(1, {}, std::nullopt)}; }

  std::vector<ChainEntry> Rich() {
    NameLimits();
    const Limiter::Options limits{.requests_per_minute = 1'000'000'000, .tokens_per_minute = 1'000'000'000'000};
    const Price price{.input = *ParsePriceOfMillion("0.15"), .output = *ParsePriceOfMillion("0.6")};
    return {Entry(2, limits, price), Entry(2, limits, price)};
  }

  ChainEntry Entry(int endpoints, Limiter::Options limits, const std::optional<Price>& price) {
    ChainEntry entry{.endpoints = {}, .retry = {}, .retry_budget = budgets_.emplace_back(RetryBudget::Options())};
    for (int i = 0; i < endpoints; ++i) {
      Place& place = places_.emplace_back(limits, time_);
      entry.endpoints.push_back({.model = model_, .price = price, .breaker = place.breaker, .limiter = place.limiter});
    }
    return entry;
  }

  /// The provider tells of its limits with each answer.
  void NameLimits() {
    const lm::RateLimit limit{.limit = 1'000'000'000'000, .remaining = 1'000'000'000'000, .reset = seconds(1)};
    canned_->response().rate_limits =
        std::make_shared<lm::RateLimits>(lm::RateLimits{.requests = limit, .tokens = limit});
  }

  SteadyTime time_;
  Jitter jitter_;
  Unobserved observer_;
  TaskScope scope_;
  ResponseCache responses_{kCacheBytes};
  RequestDigester digester_{"canned/model"};
  const CallSharing sharing_{.responses = responses_, .digester = digester_, .scope = scope_};
  std::deque<Place> places_;
  std::deque<RetryBudget> budgets_;
  const std::shared_ptr<CannedModel> canned_ =
      std::make_shared<CannedModel>("[[ ## answer ## ]]\nParis\n\n[[ ## completed ## ]]\n");
  const std::shared_ptr<lm::LanguageModel> model_ = std::make_shared<Awaited>(canned_);
};

std::shared_ptr<const lm::Prefix> MakePrefix() {
  std::vector<lm::Message> messages{lm::Message::Text(lm::Role::kSystem, std::string(800, 's'))};
  for (int i = 0; i < kDemos; ++i) {
    messages.push_back(lm::Message::Text(lm::Role::kUser, std::string(120, 'q')));
    messages.push_back(lm::Message::Text(lm::Role::kAssistant, std::string(200, 'a')));
  }
  return std::make_shared<const lm::Prefix>(std::move(messages));
}

// Calls side by side on one thread, as in a server: what the event loop does between them is shared.
struct Calls {
  bool Next() {
    more = more && state.KeepRunning();
    if (more && distinct) ++number;
    return more;
  }

  benchmark::State& state;
  lm::LanguageModel& model;
  const bool distinct;
  bool more = true;
  long long number = 0;
  const std::shared_ptr<const lm::Prefix> prefix = MakePrefix();
  const std::shared_ptr<const lm::Options> options = std::make_shared<const lm::Options>();
  const std::string text =
      absl::StrCat("[[ ## question ## ]]\nWhat is the capital of France, asked for the time ", std::string(300, '0'));
};

asio::awaitable<void> CallInTurn(Calls& calls) {
  co_await asio::this_coro::throw_if_cancelled(false);
  while (calls.Next()) {
    RequestRecord record;
    lm::Request request{calls.prefix, {}, calls.options};
    request.turns.push_back(lm::Message::Text(lm::Role::kUser, absl::StrCat(calls.text, calls.number)));
    const absl::StatusOr<lm::Response> response =
        co_await calls.model.Generate(RequestContext(record, Clock::now() + kTimeout), request);
    if (!response.ok()) calls.state.SkipWithError(response.status().ToString().c_str());
    benchmark::DoNotOptimize(response);
  }
}

void BM_Call(benchmark::State& state, std::shared_ptr<lm::LanguageModel> (Stacks::*make)(), bool distinct) {
  Stacks stacks;
  const std::shared_ptr<lm::LanguageModel> model = (stacks.*make)();
  Calls calls{.state = state, .model = *model, .distinct = distinct};
  asio::io_context io(1);
  for (int i = 0; i < kInFlight; ++i) {
    asio::co_spawn(io, CallInTurn(calls), [](const std::exception_ptr& exception) {
      if (exception) std::rethrow_exception(exception);
    });
  }
  io.run();
}
BENCHMARK_CAPTURE(BM_Call, bare, &Stacks::Bare, true);
BENCHMARK_CAPTURE(BM_Call, default, &Stacks::Default, true);
BENCHMARK_CAPTURE(BM_Call, several, &Stacks::Several, true);
BENCHMARK_CAPTURE(BM_Call, cache, &Stacks::WithCache, true);
BENCHMARK_CAPTURE(BM_Call, hit, &Stacks::WithCache, false);
BENCHMARK_CAPTURE(BM_Call, whole, &Stacks::Whole, true);

}  // namespace
}  // namespace dspex

BENCHMARK_MAIN();
