#pragma once

#include <algorithm>
#include <deque>
#include <memory>

#include "engine/base/task.h"
#include "engine/base/waiter.h"

namespace dspex {

/// How many predictions may be under way: at most `limit`, halved when a provider has no more to give and won back one
/// by one, as TCP does (additive increase, multiplicative decrease: Chiu and Jain, 1989). Confined to one executor.
class Pace {
 public:
  explicit Pace(int limit) : limit_(limit), allowed_(limit) {}

  /// Waits for a place; CANCELLED without one.
  StatusTask Enter();
  /// Gives the place back.
  void Leave();

  /// A prediction went well.
  void Speed();
  /// A provider refused one for want of capacity. Once for all that were under way then.
  void Slow();

  int allowed() const { return allowed_; }

 private:
  void WakeSome();

  const int limit_;
  int allowed_;
  int inside_ = 0;
  /// Successes since `allowed_` changed last, and those to come before it may be halved again.
  int successes_ = 0;
  int settling_ = 0;
  std::deque<std::shared_ptr<Waiter>> waiters_;
};

}  // namespace dspex
