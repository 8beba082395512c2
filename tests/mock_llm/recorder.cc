#include "tests/mock_llm/recorder.h"

#include <absl/strings/string_view.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

namespace dspex::mock_llm {
namespace {

using nlohmann::ordered_json;
using std::chrono::steady_clock;

constexpr size_t kMaxRequests = 20'000;
constexpr size_t kMaxBodyBytes = 256u << 20;
constexpr size_t kMaxClosedConnections = 20'000;

double Seconds(steady_clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

ordered_json OptionalTime(const std::optional<steady_clock::time_point>& time) {
  return time.has_value() ? ordered_json(Seconds(time->time_since_epoch())) : ordered_json(nullptr);
}

}  // namespace

int64_t Recorder::Open() {
  const int64_t id = next_connection_++;
  open_[id].opened = steady_clock::now();
  ++opened_count_;
  WakeWaiters();
  return id;
}

void Recorder::Forget(int64_t connection) {
  if (open_.erase(connection) == 0) return;
  --opened_count_;
  WakeWaiters();
}

void Recorder::Close(int64_t connection, ClosedBy by) {
  auto node = open_.extract(connection);
  if (node.empty()) return;
  Connection& ended = node.mapped();
  ended.closed = steady_clock::now();
  ended.closed_by = by;
  if (ended.in_flight.has_value()) EndRequest(ended, by == ClosedBy::kPeer ? "closed_by_peer" : "closed_by_self");
  closed_.insert(std::move(node));
  if (closed_.size() > kMaxClosedConnections) closed_.erase(closed_.begin());
  ++closed_count_;
  WakeWaiters();
}

void Recorder::Begin(int64_t connection, std::string method, std::string target, Headers headers, std::string body) {
  const int64_t sequence = next_sequence_++;
  const Time now = steady_clock::now();
  ++in_flight_;
  if (const auto found = open_.find(connection); found != open_.end()) {
    ++found->second.requests;
    found->second.in_flight = sequence;
    found->second.in_flight_since = now;
  }
  if (keep_requests_) {
    body_bytes_ += body.size();
    Request& request = requests_.emplace_back();
    request.connection = connection;
    request.time = now;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers = std::move(headers);
    request.body = std::move(body);
    while (requests_.size() > kMaxRequests || body_bytes_ > kMaxBodyBytes) {
      body_bytes_ -= requests_.front().body.size();
      requests_.pop_front();
    }
  }
  WakeWaiters();
}

void Recorder::Answered(int64_t connection) {
  const auto found = open_.find(connection);
  if (found == open_.end() || !found->second.in_flight.has_value()) return;
  EndRequest(found->second, "answered");
  found->second.in_flight.reset();
  ++answered_count_;
  WakeWaiters();
}

void Recorder::Hold(int64_t change) {
  held_ += change;
  WakeWaiters();
}

void Recorder::EndRequest(Connection& connection, absl::string_view outcome) {
  --in_flight_;
  const int64_t first = next_sequence_ - static_cast<int64_t>(requests_.size());
  if (*connection.in_flight < first) return;
  Request& request = requests_[static_cast<size_t>(*connection.in_flight - first)];
  request.outcome = outcome;
  request.ended = steady_clock::now();
}

ordered_json Recorder::Requests(int64_t from) const {
  ordered_json list = ordered_json::array();
  int64_t sequence = next_sequence_ - static_cast<int64_t>(requests_.size());
  for (const Request& request : requests_) {
    const int64_t current = sequence++;
    if (current < from) continue;
    ordered_json headers = ordered_json::object();
    for (const auto& [name, value] : request.headers) headers[name] = value;
    list.push_back({{"sequence", current},
                    {"connection", request.connection},
                    {"time", OptionalTime(request.time)},
                    {"method", request.method},
                    {"target", request.target},
                    {"headers", std::move(headers)},
                    {"body", request.body},
                    {"outcome", std::string(request.outcome)},
                    {"ended", OptionalTime(request.ended)}});
  }
  return {{"next", next_sequence_}, {"requests", std::move(list)}};
}

ordered_json Recorder::ToJson(int64_t id, const Connection& connection) {
  ordered_json out = {{"id", id},
                      {"opened", OptionalTime(connection.opened)},
                      {"closed", OptionalTime(connection.closed)},
                      {"closed_by", nullptr},
                      {"requests", connection.requests},
                      {"in_flight_at_close", nullptr},
                      {"in_flight_ms", nullptr}};
  if (connection.closed.has_value()) {
    out["closed_by"] = connection.closed_by == ClosedBy::kPeer ? "peer" : "self";
    if (connection.in_flight.has_value()) {
      out["in_flight_at_close"] = *connection.in_flight;
      out["in_flight_ms"] = Seconds(*connection.closed - connection.in_flight_since) * 1000;
    }
  }
  return out;
}

ordered_json Recorder::Connections() const {
  std::map<int64_t, const Connection*> by_id;
  for (const auto& [id, connection] : closed_) by_id[id] = &connection;
  for (const auto& [id, connection] : open_) by_id[id] = &connection;
  ordered_json list = ordered_json::array();
  for (const auto& [id, connection] : by_id) list.push_back(ToJson(id, *connection));
  return {{"open", open_.size()},
          {"opened", opened_count_},
          {"closed", closed_count_},
          {"in_flight", in_flight_},
          {"connections", std::move(list)}};
}

std::optional<int64_t> Recorder::Value(absl::string_view event) const {
  if (event == "requests") return next_sequence_;
  if (event == "answered") return answered_count_;
  if (event == "closed") return closed_count_;
  if (event == "in_flight") return in_flight_;
  if (event == "held") return held_;
  if (event == "open") return static_cast<int64_t>(open_.size());
  return std::nullopt;
}

bool Recorder::Reached(absl::string_view event, int64_t count) const {
  const int64_t value = Value(event).value_or(-1);
  return event == "in_flight" || event == "open" || event == "held" ? value == count : value >= count;
}

void Recorder::WakeWaiters() {
  for (Waiter* waiter : waiters_) {
    if (waiter->reached || !Reached(waiter->event, waiter->count)) continue;
    waiter->reached = true;
    waiter->timer.cancel();
  }
}

void Recorder::EndWaits() {
  for (Waiter* waiter : waiters_) waiter->timer.cancel();
}

boost::asio::awaitable<bool> Recorder::Wait(absl::string_view event, int64_t count, std::chrono::milliseconds timeout) {
  if (Reached(event, count)) co_return true;
  const auto executor = co_await boost::asio::this_coro::executor;
  Waiter waiter{event, count, boost::asio::steady_timer(executor, timeout)};
  waiters_.push_back(&waiter);
  auto expired = waiter.timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  co_await std::move(expired);
  std::erase(waiters_, &waiter);
  co_return waiter.reached;
}

// Held streams are in flight: they have been closed, and count down themselves.
void Recorder::Reset() {
  requests_.clear();
  body_bytes_ = 0;
  closed_.clear();
  next_sequence_ = opened_count_ = closed_count_ = answered_count_ = in_flight_ = 0;
  WakeWaiters();
}

}  // namespace dspex::mock_llm
