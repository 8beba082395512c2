#include "server/rpc/bridge.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <random>
#include <string>

#include "engine/base/error.h"
#include "server/log/access_log.h"
#include "server/metrics/method_metrics.h"
#include "server/rpc/grpc_status.h"

namespace dspex {

namespace {

constexpr std::size_t kMaxRequestId = 128;

bool IsRequestId(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxRequestId && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
  });
}

std::string NewRequestId() {
  static const std::uint64_t process = std::random_device{}() | (std::uint64_t{std::random_device{}()} << 32);
  static std::atomic<std::uint64_t> next{0};
  const std::uint64_t count = next.fetch_add(1, std::memory_order_relaxed);
  return absl::StrCat(absl::Hex(process, absl::kZeroPad16), "-", absl::Hex(count));
}

TimePoint ToSteady(std::chrono::system_clock::time_point deadline) {
  constexpr auto kFar = std::chrono::hours(24 * 365);
  const auto now = std::chrono::system_clock::now();
  if (deadline > now + kFar) return kNoDeadline;
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(deadline - now);
}

}  // namespace

CallStart Bridge::StartOf(const grpc::CallbackServerContext& context, std::int64_t request_bytes) {
  CallStart start;
  start.request_bytes = request_bytes;
  start.deadline = ToSteady(context.deadline());
  const auto& metadata = context.client_metadata();
  if (const auto found = metadata.find("x-request-id"); found != metadata.end()) {
    const absl::string_view id(found->second.data(), found->second.size());
    if (IsRequestId(id)) start.request_id = std::string(id);
  }
  if (start.request_id.empty()) start.request_id = NewRequestId();
  return start;
}

grpc::Status Bridge::Refuse(const Method& method, const CallStart& start, const absl::Status& status) {
  RequestRecord record;
  record.request_id = start.request_id;
  grpc::Status grpc_status = ToGrpcStatus(status, start.request_id);
  method.metrics->Refused(static_cast<int>(grpc_status.error_code()));
  environment_.access_log->Rpc(method.name, grpc_status.error_code(), ErrorReason(status), Clock::duration::zero(),
                               record);
  return grpc_status;
}

}  // namespace dspex
