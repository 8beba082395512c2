#include "tests/mock_llm/control.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/mock_llm/server.h"

namespace dspex::mock_llm {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kMaxWaitMs = 120'000;

using Query = std::map<std::string, std::string>;

ControlReply Reply(const ordered_json& value, int status = 200) {
  return {status, value.dump(-1, ' ', false, ordered_json::error_handler_t::replace)};
}

ControlReply Refuse(int status, absl::string_view message) { return Reply({{"error", std::string(message)}}, status); }

int64_t IntOf(const Query& query, const std::string& name, int64_t otherwise) {
  const auto found = query.find(name);
  int64_t value = otherwise;
  if (found != query.end() && !absl::SimpleAtoi(found->second, &value)) return otherwise;
  return value;
}

boost::asio::awaitable<ControlReply> Wait(Recorder& recorder, const Query& query) {
  const auto event = query.find("event");
  if (event == query.end() || !recorder.Value(event->second).has_value()) {
    co_return Refuse(400, "event must be requests, answered, closed, in_flight, open or held.");
  }
  const std::chrono::milliseconds timeout(std::clamp<int64_t>(IntOf(query, "timeout_ms", 10'000), 0, kMaxWaitMs));
  const bool reached = co_await recorder.Wait(event->second, IntOf(query, "count", 0), timeout);
  co_return Reply({{"reached", reached}, {"value", *recorder.Value(event->second)}});
}

}  // namespace

boost::asio::awaitable<ControlReply> HandleControl(Server& server, absl::string_view method, absl::string_view target,
                                                   absl::string_view body) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(target, absl::MaxSplits('?', 1));
  Query query;
  for (absl::string_view item : absl::StrSplit(parts.second, '&', absl::SkipEmpty())) {
    query.insert(absl::StrSplit(item, absl::MaxSplits('=', 1)));
  }
  const std::string route = absl::StrCat(method, " ", parts.first);
  if (route == "GET /_mock/requests") co_return Reply(server.recorder().Requests(IntOf(query, "from", 0)));
  if (route == "GET /_mock/connections") co_return Reply(server.recorder().Connections());
  if (route == "GET /_mock/wait") co_return co_await Wait(server.recorder(), query);
  if (route == "DELETE /_mock") {
    server.Reset();
    co_return Reply(ordered_json::object());
  }
  if (route == "POST /_mock/release") co_return Reply({{"released", server.Release()}});
  if (route == "POST /_mock/clock") {
    server.clock().Advance(absl::Milliseconds(std::max<int64_t>(0, IntOf(query, "advance_ms", 0))));
    co_return Reply(ordered_json::object());
  }
  if (route == "PUT /_mock/script") {
    const absl::Status status = server.SetScript(body);
    co_return status.ok() ? Reply(ordered_json::object()) : Refuse(400, status.message());
  }
  co_return Refuse(404, absl::StrCat("There is no ", route, "; tests/mock_llm/README.md lists what there is."));
}

}  // namespace dspex::mock_llm
