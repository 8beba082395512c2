#include "engine/evaluate/pace.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

namespace dspex {
namespace {

class PaceTest : public testing::Test {
 protected:
  /// Begins an Enter; counts it when it has a place.
  void Enter() {
    asio::co_spawn(
        io_,
        [](PaceTest& test) -> StatusTask {
          const absl::Status entered = co_await test.pace_.Enter();
          if (entered.ok()) ++test.inside_;
          co_return entered;
        }(*this),
        [](const std::exception_ptr&, const absl::Status&) {});
    Run();
  }
  void Leave() {
    pace_.Leave();
    --inside_;
    Run();
  }
  void Run() {
    io_.restart();
    io_.poll();
  }

  asio::io_context io_;
  Pace pace_{4};
  int inside_ = 0;
};

TEST_F(PaceTest, AsManyAsTheLimitEnter) {
  for (int i = 0; i < 6; ++i) Enter();
  EXPECT_EQ(inside_, 4);
  Leave();
  EXPECT_EQ(inside_, 4);
  Leave();
  Leave();
  EXPECT_EQ(inside_, 3);
  while (inside_ > 0) Leave();
}

TEST_F(PaceTest, ARefusalHalvesOnceForAllThatWereUnderWay) {
  for (int i = 0; i < 4; ++i) Enter();
  for (int i = 0; i < 4; ++i) pace_.Slow();
  EXPECT_EQ(pace_.allowed(), 2);
  for (int i = 0; i < 4; ++i) Leave();
  for (int i = 0; i < 4; ++i) Enter();
  EXPECT_EQ(inside_, 2);
  pace_.Slow();
  EXPECT_EQ(pace_.allowed(), 1);
  // At least one, so that the job finds out when there is room again.
  Leave();
  Leave();
  pace_.Slow();
  EXPECT_EQ(pace_.allowed(), 1);
  while (inside_ > 0) Leave();
}

TEST_F(PaceTest, SuccessesWinItBackOneByOne) {
  pace_.Slow();
  EXPECT_EQ(pace_.allowed(), 2);
  pace_.Speed();
  EXPECT_EQ(pace_.allowed(), 2);
  pace_.Speed();
  EXPECT_EQ(pace_.allowed(), 3);
  for (int i = 0; i < 10; ++i) pace_.Speed();
  EXPECT_EQ(pace_.allowed(), 4);
}

}  // namespace
}  // namespace dspex
