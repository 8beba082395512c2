#include "server/metrics/metrics.h"

#include <absl/strings/str_cat.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/base/mutex.h"
#include "server/version.h"

namespace dspex {

namespace {

constexpr std::size_t kMaxModels = 100;

// Calls take from well below a millisecond (a cached answer) to minutes (a long completion).
const prometheus::Histogram::BucketBoundaries kDurations = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                            1,     2.5,    5,     10,   30,    60,   120, 300};
const prometheus::Histogram::BucketBoundaries kOverheads = {0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001,
                                                            0.0025,  0.005,    0.01,    0.025,  0.1,     1};

constexpr absl::string_view kCodeNames[MethodMetrics::kCodes] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

}  // namespace

struct Metrics::Families {
  explicit Families(prometheus::Registry& registry)
      : rpcs(prometheus::BuildCounter()
                 .Name("dspex_rpcs_total")
                 .Help("RPCs that ended, by method and code.")
                 .Register(registry)),
        rpc_duration(prometheus::BuildHistogram()
                         .Name("dspex_rpc_duration_seconds")
                         .Help("Time from an RPC's arrival to its status.")
                         .Register(registry)),
        rpcs_in_flight(
            prometheus::BuildGauge().Name("dspex_rpcs_in_flight").Help("RPCs being served.").Register(registry)),
        overhead(prometheus::BuildHistogram()
                     .Name("dspex_rpc_overhead_seconds")
                     .Help("Time of an RPC that was neither a provider's nor a wait in a queue.")
                     .Register(registry)),
        queued(prometheus::BuildHistogram()
                   .Name("dspex_rpc_queue_seconds")
                   .Help("Time of an RPC spent waiting for connections and limits.")
                   .Register(registry)),
        lm_calls(prometheus::BuildCounter()
                     .Name("dspex_lm_calls_total")
                     .Help("Attempts at language models, by outcome.")
                     .Register(registry)),
        lm_duration(prometheus::BuildHistogram()
                        .Name("dspex_lm_call_duration_seconds")
                        .Help("Time of one attempt at a language model.")
                        .Register(registry)),
        lm_tokens(prometheus::BuildCounter()
                      .Name("dspex_lm_tokens_total")
                      .Help("Tokens as the providers reported them, by direction.")
                      .Register(registry)),
        build_info(prometheus::BuildGauge()
                       .Name("dspex_build_info")
                       .Help("Always 1; the labels tell the build.")
                       .Register(registry)) {
    build_info.Add({{"version", std::string(kVersion)}, {"compiler", __VERSION__}}).Set(1);
  }

  prometheus::Family<prometheus::Counter>& rpcs;
  prometheus::Family<prometheus::Histogram>& rpc_duration;
  prometheus::Family<prometheus::Gauge>& rpcs_in_flight;
  prometheus::Family<prometheus::Histogram>& overhead;
  prometheus::Family<prometheus::Histogram>& queued;
  prometheus::Family<prometheus::Counter>& lm_calls;
  prometheus::Family<prometheus::Histogram>& lm_duration;
  prometheus::Family<prometheus::Counter>& lm_tokens;
  prometheus::Family<prometheus::Gauge>& build_info;
};

struct Metrics::AttemptInstruments {
  prometheus::Counter* calls;
  prometheus::Histogram* duration;
  prometheus::Counter* input_tokens;
  prometheus::Counter* output_tokens;
};

/// Reads the endpoints when a scrape asks, so that nothing is kept up to date between scrapes.
class Metrics::EndpointCollector final : public prometheus::Collectable {
 public:
  void Set(std::function<std::vector<std::pair<std::string, EndpointStats>>()> stats) {
    MutexLock lock(&mutex_);
    stats_ = std::move(stats);
  }

  std::vector<prometheus::MetricFamily> Collect() const override {
    MutexLock lock(&mutex_);
    if (!stats_) return {};
    prometheus::MetricFamily connections{
        "dspex_http_connections", "Open connections to providers, by state.", prometheus::MetricType::Gauge, {}};
    prometheus::MetricFamily waiting{
        "dspex_http_waiting", "Calls waiting for a connection.", prometheus::MetricType::Gauge, {}};
    prometheus::MetricFamily opened{
        "dspex_http_connections_opened_total", "Connections opened to providers.", prometheus::MetricType::Counter, {}};
    prometheus::MetricFamily limited{
        "dspex_limiter_waiting", "Calls waiting for a provider's limits.", prometheus::MetricType::Gauge, {}};
    prometheus::MetricFamily open{
        "dspex_breaker_open", "Whether calls to a provider are refused.", prometheus::MetricType::Gauge, {}};
    for (const auto& [provider, stats] : stats_()) {
      AddGauge(connections, {{"provider", provider}, {"state", "idle"}}, stats.pool.idle);
      AddGauge(connections, {{"provider", provider}, {"state", "in_use"}}, stats.pool.in_use);
      AddGauge(waiting, {{"provider", provider}}, stats.pool.waiting);
      AddGauge(limited, {{"provider", provider}}, static_cast<double>(stats.limiter_waiting));
      AddGauge(open, {{"provider", provider}}, stats.breaker_open ? 1 : 0);
      prometheus::ClientMetric metric;
      metric.label = {{"provider", provider}};
      metric.counter.value = static_cast<double>(stats.pool.opened);
      opened.metric.push_back(std::move(metric));
    }
    return {connections, waiting, opened, limited, open};
  }

 private:
  static void AddGauge(prometheus::MetricFamily& family, std::vector<prometheus::ClientMetric::Label> labels,
                       double value) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = value;
    family.metric.push_back(std::move(metric));
  }

  mutable Mutex mutex_;
  std::function<std::vector<std::pair<std::string, EndpointStats>>()> stats_ ABSL_GUARDED_BY(mutex_);
};

Metrics::Metrics()
    : registry_(std::make_shared<prometheus::Registry>()),
      families_(std::make_unique<Families>(*registry_)),
      endpoints_(std::make_shared<EndpointCollector>()) {}

Metrics::~Metrics() = default;

std::unique_ptr<MethodMetrics> Metrics::ForMethod(absl::string_view service, absl::string_view method) {
  const prometheus::Labels labels = {{"service", std::string(service)}, {"method", std::string(method)}};
  MethodMetrics::Instruments instruments;
  for (std::size_t code = 0; code < MethodMetrics::kCodes; ++code) {
    prometheus::Labels with_code = labels;
    with_code["code"] = std::string(kCodeNames[code]);
    instruments.ended[code] = &families_->rpcs.Add(with_code);
  }
  instruments.in_flight = &families_->rpcs_in_flight.Add(labels);
  instruments.duration = &families_->rpc_duration.Add(labels, kDurations);
  instruments.overhead = &families_->overhead.Add(labels, kOverheads);
  instruments.queued = &families_->queued.Add(labels, kDurations);
  return std::make_unique<MethodMetrics>(instruments);
}

void Metrics::SetEndpointStats(std::function<std::vector<std::pair<std::string, EndpointStats>>()> stats) {
  endpoints_->Set(std::move(stats));
}

void Metrics::OnAttempt(const Attempt& attempt) {
  const AttemptInstruments& instruments = AttemptFor(attempt.provider, attempt.model, attempt.outcome);
  instruments.calls->Increment();
  instruments.duration->Observe(std::chrono::duration<double>(attempt.duration).count());
  instruments.input_tokens->Increment(static_cast<double>(attempt.usage.input_tokens));
  instruments.output_tokens->Increment(static_cast<double>(attempt.usage.output_tokens));
}

const Metrics::AttemptInstruments& Metrics::AttemptFor(absl::string_view provider, absl::string_view model,
                                                       absl::string_view outcome) {
  const std::string key = absl::StrCat(provider, "\n", model, "\n", outcome);
  MutexLock lock(&mutex_);
  if (const auto found = attempts_.find(key); found != attempts_.end()) return *found->second;
  std::string bounded(model);
  if (!models_.contains(bounded)) {
    if (models_.size() < kMaxModels) {
      models_.insert(bounded);
    } else {
      bounded = "other";
    }
  }
  const prometheus::Labels labels = {{"provider", std::string(provider)}, {"model", bounded}};
  const auto with = [&labels](const char* name, absl::string_view value) {
    prometheus::Labels result = labels;
    result[name] = std::string(value);
    return result;
  };
  auto instruments = std::make_unique<AttemptInstruments>();
  instruments->calls = &families_->lm_calls.Add(with("outcome", outcome));
  instruments->duration = &families_->lm_duration.Add({{"provider", std::string(provider)}}, kDurations);
  instruments->input_tokens = &families_->lm_tokens.Add(with("direction", "input"));
  instruments->output_tokens = &families_->lm_tokens.Add(with("direction", "output"));
  // "other" has one entry, under its own name, however many models it stands for.
  const std::string bounded_key = absl::StrCat(provider, "\n", bounded, "\n", outcome);
  return *attempts_.try_emplace(bounded_key, std::move(instruments)).first->second;
}

std::vector<std::weak_ptr<prometheus::Collectable>> Metrics::Collectables() const { return {registry_, endpoints_}; }

}  // namespace dspex
