#include <absl/strings/str_cat.h>
#include <absl/time/time.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/decorators/estimate.h"
#include "providers/decorators/virtual_time.h"
#include "providers/provider_stack.h"
#include "tests/mock_llm/server.h"

// A provider that names its limits with its answers, all decorators and sockets between, on time that the test drives:
// the stack's clock and the provider's go together, and a minute takes as long as the work in it.
namespace dspex {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kMaxTokens = 100;
constexpr std::size_t kMaxBytes = 300;

class CountingObserver final : public AttemptObserver {
 public:
  void OnAttempt(const Attempt& attempt) override { ++outcomes[std::string(attempt.outcome)]; }

  std::map<std::string, int> outcomes;
};

/// One call, and how it ended.
struct Call {
  std::string tenant;
  lm::Request request;
  TimePoint deadline;
  RequestRecord record = {};
  std::optional<TimePoint> ended = {};
  absl::Status status = {};
};

class ProviderLimitsTest : public ::testing::Test {
 protected:
  void TearDown() override {
    models_->CloseConnections();
    mock_->Stop();
    io_.run();
  }

  /// A provider with these limits a minute, of which the stack is told nothing, and whose answers take their time. It
  /// shares the calls' thread.
  void Serve(double requests, double tokens) {
    requests_per_minute_ = requests;
    tokens_per_minute_ = tokens;
    const nlohmann::json contents = {std::string(80, 'a'), std::string(400, 'a'), std::string(200, 'a')};
    const nlohmann::json script = {
        {"rules",
         {{{"reply", {{"contents", contents}}},
           {"latency", {{"lognormal_ms", {{"median", 800}, {"sigma", 0.5}, {"seed", seed_}}}}}}}},
        {"rate_limit", {{"requests_per_minute", requests}, {"tokens_per_minute", tokens}}}};
    auto mock = mock_llm::Server::Start(io_, {.script = script.dump()});
    ASSERT_TRUE(mock.ok()) << mock.status();
    mock_ = *std::move(mock);
    mock_->clock().Advance(absl::ZeroDuration());
    StackSettings stack;
    ProviderSettings& provider = stack.providers.emplace_back();
    provider.name = "openai";
    provider.endpoints.push_back({.base_url = absl::StrCat("http://127.0.0.1:", mock_->port(), "/v1"), .api_key = "k"});
    auto models = ConfiguredLanguageModels::Create(std::move(stack), observer_, scope_, time_);
    ASSERT_TRUE(models.ok()) << models.status();
    models_ = *std::move(models);
  }

  /// Begins a call that must end within `time`.
  Call& Start(const std::string& tenant, Clock::duration time) {
    // The provider's record shows whose it was.
    std::string text = absl::StrCat(tenant, " ");
    text.resize(100 + random_() % (kMaxBytes - 100), 'q');
    lm::Request request;
    request.turns = {lm::Message::Text(lm::Role::kUser, std::move(text))};
    request.options = std::make_shared<lm::Options>(lm::Options{.max_tokens = kMaxTokens});
    Call& call = calls_.emplace_back(Call{tenant, std::move(request), time_.Now() + time});
    call.record.tenant = tenant;
    asio::co_spawn(io_, Run(call), [](const std::exception_ptr& exception) { EXPECT_FALSE(exception); });
    return call;
  }

  /// Runs until `done`. Time stands still while somebody is at work; then it moves on to when the first wait ends, on
  /// either side.
  void Drive(const std::function<bool()>& done) {
    const TimePoint limit = Clock::now() + minutes(2);
    while (!done()) {
      ASSERT_LT(Clock::now(), limit) << "a call hangs";
      if (io_.poll_one() > 0) continue;
      const int exchanges = models_->endpoint_stats().front().second.pool.in_use;
      if (exchanges > static_cast<int>(mock_->clock().sleeping())) {
        // The network has it.
        io_.run_one();
        continue;
      }
      const TimePoint next = std::min(time_.next().value_or(kNoDeadline), NextAnswer());
      ASSERT_NE(next, kNoDeadline) << "nobody waits, and nobody works";
      mock_->clock().Advance(absl::FromChrono(next - time_.Now()));
      time_.AdvanceTo(next);
    }
  }
  void DriveToTheEnd() {
    Drive([this] { return Count([](const Call& call) { return !call.ended.has_value(); }) == 0; });
  }

  template <typename Predicate>
  std::ptrdiff_t Count(Predicate predicate) const {
    return std::count_if(calls_.begin(), calls_.end(), predicate);
  }
  std::ptrdiff_t Failed() const {
    return Count([](const Call& call) { return !call.status.ok(); });
  }
  int Refused() { return observer_.outcomes["provider_rate_limited"]; }

  /// The texts of the requests that reached the provider, in order.
  std::vector<std::string> Received() const {
    const nlohmann::ordered_json recorded = mock_->recorder().Requests(0);
    std::vector<std::string> texts;
    for (const auto& request : recorded["requests"]) {
      const auto body = nlohmann::json::parse(request["body"].get<std::string>());
      texts.push_back(body["messages"][0]["content"].get<std::string>());
    }
    return texts;
  }

  /// What a request takes of the scarcest limit.
  double Share(std::size_t bytes) const {
    const auto tokens = static_cast<double>(EstimateTokens(bytes) + kMaxTokens);
    return std::max(1 / requests_per_minute_, tokens / tokens_per_minute_);
  }

  void ExpectAThousandServedFairlyWithin(Clock::duration time) {
    SCOPED_TRACE(testing::Message() << "seed " << seed_);
    // One tenant's are all there before the other's.
    for (int i = 0; i < 500; ++i) Start("first", time);
    for (int i = 0; i < 500; ++i) Start("second", time);
    DriveToTheEnd();
    EXPECT_LT(Failed(), 10);
    EXPECT_LT(Refused(), 10);
    for (const Call& call : calls_) EXPECT_LE(*call.ended, call.deadline);
    // The second tenant waits for the eight that were sent before it came, and for what calls differ while no limit is
    // known; not for the 500.
    double lead = 0;
    std::map<std::string, int> left = {{"first", 500}, {"second", 500}};
    for (const std::string& text : Received()) {
      const std::string tenant = text.substr(0, text.find(' '));
      lead += tenant == "first" ? Share(text.size()) : -Share(text.size());
      EXPECT_LE(std::abs(lead), 14 * Share(kMaxBytes));
      if (--left[tenant] == 0) break;
    }
  }

  const unsigned seed_ = std::random_device()();
  std::mt19937_64 random_{seed_};
  asio::io_context io_{1};
  // The sockets' time-outs, and the deadlines as they know them, are by the machine's clock, which falls behind.
  VirtualTime time_{Clock::now()};
  CountingObserver observer_;
  TaskScope scope_;
  std::unique_ptr<mock_llm::Server> mock_;
  std::unique_ptr<ConfiguredLanguageModels> models_;
  std::deque<Call> calls_;

 private:
  asio::awaitable<void> Run(Call& call) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const std::shared_ptr<lm::LanguageModel> model = models_->Find("openai/m").value();
    const RequestContext context(call.record, call.deadline);
    const absl::StatusOr<lm::Response> response = co_await model->Generate(context, call.request);
    call.status = response.status();
    call.ended = time_.Now();
  }

  TimePoint NextAnswer() {
    const std::optional<absl::Time> next = mock_->clock().next();
    if (!next.has_value()) return kNoDeadline;
    return time_.Now() + absl::ToChronoNanoseconds(absl::Ceil(*next - mock_->clock().Now(), absl::Nanoseconds(1)));
  }

  double requests_per_minute_ = 0;
  double tokens_per_minute_ = 0;
};

TEST_F(ProviderLimitsTest, AThousandAtOnceWhereRequestsAreScarce) {
  Serve(600, 600'000);
  // The 400 that are too many for the first minute take 40 s.
  ExpectAThousandServedFairlyWithin(seconds(50));
}

TEST_F(ProviderLimitsTest, AThousandAtOnceWhereTokensAreScarce) {
  Serve(600, 60'000);
  // They use some 130,000.
  ExpectAThousandServedFairlyWithin(seconds(80));
}

TEST_F(ProviderLimitsTest, WhoCannotBeServedInTimeIsToldAtOnce) {
  SCOPED_TRACE(testing::Message() << "seed " << seed_);
  Serve(600, 600'000);
  for (int i = 0; i < 1000; ++i) Start("patient", minutes(2));
  Drive([this] { return observer_.outcomes["ok"] >= 600; });
  const TimePoint now = time_.Now();
  std::vector<const Call*> hasty;
  for (int i = 0; i < 20; ++i) hasty.push_back(&Start("patient", seconds(5)));
  // Its turn comes soon: the others have had theirs.
  const Call& newcomer = Start("newcomer", seconds(5));
  DriveToTheEnd();
  for (const Call* call : hasty) {
    EXPECT_EQ(call->ended, now);
    EXPECT_EQ(call->status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(ErrorReason(call->status), reason::kProviderLimitReached);
    EXPECT_EQ(ErrorMetadata(call->status, "limit"), "requests");
    EXPECT_GT(ErrorRetryDelay(call->status), seconds(5));
  }
  EXPECT_TRUE(newcomer.status.ok()) << newcomer.status;
  EXPECT_LE(newcomer.ended, newcomer.deadline);
  EXPECT_EQ(Failed(), 20);
  EXPECT_EQ(Received().size(), 1001u + static_cast<std::size_t>(Refused())) << "the hasty ones were not sent";
}

TEST_F(ProviderLimitsTest, ABurstBeyondALimitThatNobodyKnewIsSentAgain) {
  SCOPED_TRACE(testing::Message() << "seed " << seed_);
  Serve(200, 600'000);
  for (int i = 0; i < 400; ++i) Start("a", minutes(3));
  DriveToTheEnd();
  EXPECT_EQ(Failed(), 0);
  // No more than have a connection are sent before the first answer names the limit.
  EXPECT_LE(Refused(), ProviderSettings().max_connections - 200 + 10);
}

}  // namespace
}  // namespace dspex
