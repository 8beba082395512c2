#pragma once

#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/task.h"

namespace dspex {

class EventSink;
struct ModuleTrace;
class Pricing;
namespace lm {
class DeltaSink;
class Lane;
}  // namespace lm

/// What calls to language models consumed.
struct Usage {
  long long input_tokens = 0;
  long long output_tokens = 0;
  /// Of input_tokens: read from the provider's cache of prompts, and written to it.
  long long cached_input_tokens = 0;
  long long cache_write_tokens = 0;
  /// Of output_tokens: what a reasoning model thought.
  long long reasoning_tokens = 0;
  /// Calls that were answered.
  int lm_calls = 0;
  /// By the price table; zero where it has no price.
  Money cost = {};
  /// Whether a part of it is what dspex reckons, because the provider did not say: a call that was aborted, or broke.
  bool estimated = false;

  void Add(const Usage& other) {
    input_tokens += other.input_tokens;
    output_tokens += other.output_tokens;
    cached_input_tokens += other.cached_input_tokens;
    cache_write_tokens += other.cache_write_tokens;
    reasoning_tokens += other.reasoning_tokens;
    lm_calls += other.lm_calls;
    cost += other.cost;
    estimated = estimated || other.estimated;
  }
};

/// One step of a request: a module, or a call to a language model. Parents stand before children.
struct TraceNode {
  int parent = -1;
  std::string name;
  TimePoint start;
  TimePoint end;
  std::string model;
  std::string provider_request_id;
  std::string completion;
  Usage usage;
  /// Why the step was taken, where that is not plain.
  std::string reason;
  /// Whether a cache answered.
  bool from_cache = false;
};

/// [begin, end).
using Interval = std::pair<TimePoint, TimePoint>;

/// The length of what the intervals, which may overlap, cover. Puts them in order.
Clock::duration LengthOfUnion(absl::Span<Interval> intervals);

/// What is known and gathered about one request. Made and owned by who serves the request; confined to the request's
/// executor (one thread at a time), like everything that works for the request.
struct RequestRecord {
  std::string request_id;
  std::string tenant = "default";
  TimePoint start = Clock::now();
  /// Whether to keep trace nodes; without it, `trace` stays empty.
  bool keep_trace = false;
  /// Where the calls of modules are noted; null where nobody asks. Outlives the request.
  ModuleTrace* calls = nullptr;
  /// What its calls cost, in place of the prices in the configuration; null where those hold.
  std::shared_ptr<const Pricing> pricing;
  /// Which part of a job the request is; null where it is none. Outlives the request.
  lm::Lane* lane = nullptr;

  /// What the attempts at providers consumed: what the request is charged. Only the attempt meter adds to it, once for
  /// each attempt; failures that the provider bills are in it, answers from a cache are not.
  Usage charged;
  std::vector<TraceNode> trace;
  /// When each attempt at a provider was made. They may overlap.
  std::vector<Interval> attempts;
  /// Time spent waiting for connections and limits.
  Clock::duration queued{};

  /// Adds the usage, attempts and queue time of a part that kept a record of its own.
  void Merge(const RequestRecord& part);

  /// The length of the union of `attempts`: what the providers took of this request.
  Clock::duration ProviderTime() const;
};

/// One cap on the attempts at providers that may be made for a call, however many retry and fall back on each other.
/// Confined to the request's executor.
class AttemptBudget {
 public:
  explicit AttemptBudget(int cap) : cap_(cap) {}

  /// Notes an attempt: who makes them does, whatever the budget says.
  void Note() { ++made_; }
  int made() const { return made_; }
  bool spent() const { return made_ >= cap_; }

 private:
  int cap_;
  int made_ = 0;
};

/// A SHA-256: what equal calls of language models have in common, and others do not.
using RequestDigest = std::array<unsigned char, 32>;

/// Passed, by value, to everything that works for a request: its deadline, its place in the trace, and the record they
/// share. Never thread-local. The record must outlive the context.
class RequestContext {
 public:
  RequestContext(RequestRecord& record, TimePoint deadline) : record_(&record), deadline_(deadline) {}

  TimePoint deadline() const { return deadline_; }
  RequestRecord& record() const { return *record_; }
  /// Where modules tell how they get on; null where nobody wants to know. Outlives the request.
  EventSink* events() const { return events_; }
  void set_events(EventSink* events) { events_ = events; }
  /// Where a language model puts its completion as it comes; null where only the whole is wanted. Outlives the call.
  lm::DeltaSink* deltas() const { return deltas_; }
  void set_deltas(lm::DeltaSink* deltas) { deltas_ = deltas; }
  /// What is left of attempts at providers; null where nothing bounds them. Outlives the call.
  AttemptBudget* attempts() const { return attempts_; }
  void set_attempts(AttemptBudget* attempts) { attempts_ = attempts; }
  /// Tells apart the calls of one that asks for several completions of equal requests: none may be answered by the
  /// answer of another.
  int sample() const { return sample_; }
  void set_sample(int sample) { sample_ = sample; }
  /// The digest of the call that is made, by who has made one on its way; null before that. Outlives the call.
  const RequestDigest* digest() const { return digest_; }
  void set_digest(const RequestDigest* digest) { digest_ = digest; }
  /// The index of this context's node in the record's trace; -1 if there is none.
  int trace_node() const { return trace_node_; }

  /// Ends this context's work at `deadline` at the latest.
  void NarrowDeadline(TimePoint deadline) { deadline_ = std::min(deadline_, deadline); }

  /// Until when the result is wanted, as far as is known now: the deadline, or, for a call that several share, the
  /// latest of theirs, which may still move on. What decides whether a wait is worth while asks this; what arms a timer
  /// asks for the deadline. `wanted_until` outlives the call.
  TimePoint wanted_until() const {
    return wanted_until_ == nullptr ? deadline_ : std::min(deadline_, wanted_until_->load(std::memory_order_relaxed));
  }
  void set_wanted_until(const std::atomic<TimePoint>* wanted_until) { wanted_until_ = wanted_until; }

  /// As NarrowDeadline, for one of several that may yet be asked: that this deadline passes says of who had the share
  /// that it was too slow.
  void NarrowToShare(TimePoint deadline) {
    is_share_ = is_share_ || deadline < deadline_;
    NarrowDeadline(deadline);
  }
  bool has_share() const { return is_share_; }

  /// A context for a part of this one's work: the deadline may only come earlier, the trace gains a node named `name`.
  /// It has no sink for deltas and no digest.
  RequestContext Child(absl::string_view name, TimePoint deadline = kNoDeadline) const;

  /// Notes the end of this context's work in its trace node, and hands out the node to be filled; null without a trace.
  TraceNode* EndNode() const;

 private:
  RequestRecord* record_;
  TimePoint deadline_;
  int trace_node_ = -1;
  EventSink* events_ = nullptr;
  int sample_ = 0;
  bool is_share_ = false;
  lm::DeltaSink* deltas_ = nullptr;
  AttemptBudget* attempts_ = nullptr;
  const RequestDigest* digest_ = nullptr;
  const std::atomic<TimePoint>* wanted_until_ = nullptr;
};

}  // namespace dspex
