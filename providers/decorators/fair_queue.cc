#include "providers/decorators/fair_queue.h"

#include <algorithm>

namespace dspex {

void FairQueue::Push(const std::shared_ptr<Ticket>& ticket) {
  Line& line = lines_[ticket->tenant];
  if (line.tickets.empty()) {
    line.tag = std::max(line.tag, served_tag_);
    line.number = ++numbers_;
    order_.emplace(std::make_pair(line.tag, line.number), &line);
  }
  ticket->place = line.tickets.insert(line.tickets.end(), ticket);
  for (std::size_t i = 0; i < kLimitKinds; ++i) line.waiting[i] += ticket->need[i];
  ++size_;
}

std::shared_ptr<FairQueue::Ticket> FairQueue::Next() const {
  return order_.empty() ? nullptr : order_.begin()->second->tickets.front();
}

void FairQueue::Pop(double cost) {
  Line& line = *order_.begin()->second;
  const std::shared_ptr<Ticket> ticket = line.tickets.front();
  served_tag_ = line.tag;
  order_.erase(order_.begin());
  line.tag += cost;
  order_.emplace(std::make_pair(line.tag, line.number), &line);
  Remove(*ticket);
}

void FairQueue::Remove(const Ticket& ticket) {
  Line& line = lines_[ticket.tenant];
  for (std::size_t i = 0; i < kLimitKinds; ++i) line.waiting[i] -= ticket.need[i];
  --size_;
  line.tickets.erase(ticket.place);
  if (!line.tickets.empty()) return;
  order_.erase(std::make_pair(line.tag, line.number));
  Forget();
}

Amounts FairQueue::Ahead(const std::string& tenant, const Amounts& need) const {
  const auto own = lines_.find(tenant);
  Amounts ahead = own == lines_.end() ? Amounts{} : own->second.waiting;
  const Amounts before_own = ahead;
  for (const auto& [tag, line] : order_) {
    if (own != lines_.end() && line == &own->second) continue;
    // The others get about as much as the tenant until then.
    for (std::size_t i = 0; i < kLimitKinds; ++i) ahead[i] += std::min(line->waiting[i], before_own[i] + need[i]);
  }
  return ahead;
}

void FairQueue::Forget() {
  constexpr std::size_t kKept = 64;
  if (order_.empty()) {
    // Nobody waits: nobody is before or behind.
    lines_.clear();
    served_tag_ = 0;
  } else if (lines_.size() > 2 * order_.size() + kKept) {
    std::erase_if(
        lines_, [this](const auto& entry) { return entry.second.tickets.empty() && entry.second.tag <= served_tag_; });
  }
}

}  // namespace dspex
