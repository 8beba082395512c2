#include "providers/http/addresses.h"
#include "engine/base/mutex.h"

#include <gtest/gtest.h>

#include "providers/http/test_peer.h"

namespace dspex::http {
namespace {

// A look-up that answers when the test says so.
struct FakeLookUp {
  void Answer(boost::system::error_code ec, AddressList addresses) {
    std::function<void(boost::system::error_code, AddressList)> done;
    {
      MutexLock lock(&mutex);
      done = std::exchange(pending, nullptr);
    }
    done(ec, std::move(addresses));
  }
  LookUp look_up() {
    return [this](const asio::any_io_executor&, auto done) {
      MutexLock lock(&mutex);
      pending = std::move(done);
      ++calls;
    };
  }
  Mutex mutex;
  std::function<void(boost::system::error_code, AddressList)> pending;
  std::atomic<int> calls{0};
};

AddressList Addresses(std::uint16_t port) { return {tcp::endpoint(asio::ip::make_address("127.0.0.1"), port)}; }

Task<AddressList> GetNow(AddressCache* cache, TimePoint deadline) { co_return co_await cache->Get(deadline); }

class AddressesTest : public ::testing::Test {
 protected:
  Running<AddressList> Get(AddressCache& cache, TimePoint deadline = kNoDeadline) {
    return Running<AddressList>(threads_.executor(0), deadline,
                                [&cache, deadline](RequestContext) { return GetNow(&cache, deadline); });
  }
  IoThreads threads_{1};
  FakeLookUp fake_;
};

TEST_F(AddressesTest, OneLookUpForAll) {
  AddressCache cache(fake_.look_up(), std::chrono::hours(1));
  std::vector<Running<AddressList>> running;
  for (int i = 0; i < 10; ++i) running.push_back(Get(cache));
  ASSERT_TRUE(Eventually([&] { return fake_.calls == 1; }));
  fake_.Answer({}, Addresses(1));
  for (auto& one : running) EXPECT_EQ(one.Get().value(), Addresses(1));
  EXPECT_EQ(Get(cache).Get().value(), Addresses(1));
  EXPECT_EQ(fake_.calls, 1);
}

TEST_F(AddressesTest, OldAddressesServeOnWhenTheLookUpFails) {
  AddressCache cache(fake_.look_up(), Clock::duration::zero());
  Running<AddressList> first = Get(cache);
  ASSERT_TRUE(Eventually([&] { return fake_.calls == 1; }));
  fake_.Answer({}, Addresses(1));
  EXPECT_EQ(first.Get().value(), Addresses(1));
  Running<AddressList> second = Get(cache);
  ASSERT_TRUE(Eventually([&] { return fake_.calls == 2; }));
  fake_.Answer(asio::error::host_not_found_try_again, {});
  EXPECT_EQ(second.Get().value(), Addresses(1));
  Running<AddressList> third = Get(cache);
  ASSERT_TRUE(Eventually([&] { return fake_.calls == 3; }));
  fake_.Answer({}, Addresses(2));
  EXPECT_EQ(third.Get().value(), Addresses(2));
}

TEST_F(AddressesTest, FailureDeadlineAndCancellation) {
  AddressCache cache(fake_.look_up(), std::chrono::hours(1));
  Running<AddressList> late = Get(cache, Clock::now() + milliseconds(30));
  EXPECT_EQ(late.Get().status().code(), absl::StatusCode::kDeadlineExceeded);
  Running<AddressList> cancelled = Get(cache);
  Running<AddressList> waiting = Get(cache);
  cancelled.Cancel();
  EXPECT_EQ(cancelled.Get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(fake_.calls, 1);
  fake_.Answer(asio::error::host_not_found, {});
  EXPECT_EQ(waiting.Get().status().code(), absl::StatusCode::kUnavailable);
  // Failures are not kept.
  Running<AddressList> again = Get(cache);
  ASSERT_TRUE(Eventually([&] { return fake_.calls == 2; }));
  fake_.Answer({}, Addresses(3));
  EXPECT_EQ(again.Get().value(), Addresses(3));
}

TEST_F(AddressesTest, TheSystemsLookUp) {
  AddressCache literal(SystemLookUp("::1", 80), std::chrono::hours(1));
  EXPECT_EQ(Get(literal).Get().value(), (AddressList{tcp::endpoint(asio::ip::make_address("::1"), 80)}));
  AddressCache name(SystemLookUp("localhost", 81), std::chrono::hours(1));
  EXPECT_EQ(Get(name).Get().value().front().port(), 81);
}

}  // namespace
}  // namespace dspex::http
