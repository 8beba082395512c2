#include "engine/script/script.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/script/machine.h"

namespace dspex {

absl::StatusOr<std::shared_ptr<const Script>> Script::Compile(std::string source, std::vector<ScriptFunction> functions,
                                                              const ScriptLimits& limits) {
  if (source.size() > kMaxScriptBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the script has ", source.size(), " bytes, and may have ", kMaxScriptBytes));
  }
  Machine machine(limits);
  if (absl::Status status = machine.Start(source, functions, {}); !status.ok()) return status;
  return std::shared_ptr<const Script>(new Script(std::move(source), std::move(functions), limits));
}

Task<std::vector<Json>> Script::Run(std::vector<ScriptGlobal> globals, TimePoint deadline) const {
  Machine machine(limits_);
  if (absl::Status status = machine.Start(source_, functions_, globals); !status.ok()) co_return status;
  while (true) {
    const absl::StatusOr<bool> done = machine.Step();
    if (!done.ok()) co_return done.status();
    if (*done) co_return machine.Results();
    co_await asio::post(asio::use_awaitable);
    const auto cancellation = co_await asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != asio::cancellation_type::none) {
      co_return Error(absl::StatusCode::kCancelled, reason::kCancelled, "The call was cancelled while a script ran.");
    }
    if (Clock::now() >= deadline) {
      co_return Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadlineExceeded,
                      "The deadline passed while a script ran. Give more time, or a faster script.")
          .With("where", "script");
    }
  }
}

int ScriptErrorLine(absl::string_view message) {
  if (!absl::ConsumePrefix(&message, "script:")) return 0;
  int line = 0;
  return absl::SimpleAtoi(message.substr(0, message.find(':')), &line) ? line : 0;
}

}  // namespace dspex
