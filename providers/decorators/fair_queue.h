#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "engine/base/waiter.h"

namespace dspex {

/// What a call takes of a provider's limits: requests, tokens, and of these input and output.
enum LimitKind { kRequests, kTokens, kInputTokens, kOutputTokens, kLimitKinds };
using Amounts = std::array<double, kLimitKinds>;

/// Calls that wait for a limit, in an order that is fair between tenants: the one that got least, for as long as it has
/// been waiting, is next; a tenant's own calls go in order of arrival. Not thread-safe.
///
/// (Start-time fair queueing: each tenant has a tag of what it got, and one that comes anew begins at the tag that was
/// served last.)
class FairQueue {
 public:
  struct Ticket {
    std::string tenant;
    Amounts need{};
    /// What ends its wait; another for each wait.
    std::shared_ptr<Waiter> waiter = {};
    bool granted = false;
    /// What all had taken then.
    Amounts taken = {};
    /// Where it stands.
    std::list<std::shared_ptr<Ticket>>::iterator place = {};
  };

  void Push(const std::shared_ptr<Ticket>& ticket);

  /// The ticket whose turn it is; null if none waits.
  std::shared_ptr<Ticket> Next() const;

  /// Takes out the next one, which gets a share of `cost`.
  void Pop(double cost);

  /// Takes out one that waits.
  void Remove(const Ticket& ticket);

  /// What is going to be served before a further call of the tenant that needs so much.
  Amounts Ahead(const std::string& tenant, const Amounts& need) const;

  std::size_t size() const { return size_; }

 private:
  struct Line {
    std::list<std::shared_ptr<Ticket>> tickets;
    /// What they need together.
    Amounts waiting{};
    double tag = 0;
    /// By age among equals.
    std::uint64_t number = 0;
  };
  using Order = std::map<std::pair<double, std::uint64_t>, Line*>;

  void Forget();

  /// A line without tickets is kept while its tag is ahead of others': it may not come back as a new one.
  std::map<std::string, Line> lines_;
  Order order_;
  double served_tag_ = 0;
  std::uint64_t numbers_ = 0;
  std::size_t size_ = 0;
};

}  // namespace dspex
