#include "engine/base/context.h"

namespace dspex {

Clock::duration LengthOfUnion(absl::Span<Interval> intervals) {
  std::sort(intervals.begin(), intervals.end());
  Clock::duration total{};
  TimePoint covered = TimePoint::min();
  for (const auto& [begin, end] : intervals) {
    const TimePoint from = std::max(begin, covered);
    if (end > from) total += end - from;
    covered = std::max(covered, end);
  }
  return total;
}

Clock::duration RequestRecord::ProviderTime() const {
  std::vector<Interval> sorted = attempts;
  return LengthOfUnion(absl::MakeSpan(sorted));
}

void RequestRecord::Merge(const RequestRecord& part) {
  charged.Add(part.charged);
  attempts.insert(attempts.end(), part.attempts.begin(), part.attempts.end());
  queued += part.queued;
}

RequestContext RequestContext::Child(absl::string_view name, TimePoint deadline) const {
  RequestContext child(*record_, std::min(deadline_, deadline));
  child.trace_node_ = trace_node_;
  child.events_ = events_;
  child.is_share_ = is_share_;
  child.attempts_ = attempts_;
  child.wanted_until_ = wanted_until_;
  if (record_->keep_trace) {
    TraceNode node;
    node.parent = trace_node_;
    node.name = std::string(name);
    node.start = Clock::now();
    node.end = node.start;
    child.trace_node_ = static_cast<int>(record_->trace.size());
    record_->trace.push_back(std::move(node));
  }
  return child;
}

TraceNode* RequestContext::EndNode() const {
  if (trace_node_ < 0) return nullptr;
  TraceNode& node = record_->trace[static_cast<std::size_t>(trace_node_)];
  node.end = Clock::now();
  return &node;
}

}  // namespace dspex
