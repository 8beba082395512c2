#include "engine/base/error.h"

#include <absl/strings/cord.h>
#include <absl/strings/str_cat.h>
#include <google/protobuf/any.pb.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace dspex {

namespace {

constexpr char kTypePrefix[] = "type.googleapis.com/";

template <typename Detail>
std::string TypeUrl() {
  return absl::StrCat(kTypePrefix, Detail::descriptor()->full_name());
}

template <typename Detail>
std::optional<Detail> GetDetail(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(TypeUrl<Detail>());
  Detail detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

template <typename Detail>
void SetDetail(absl::Status& status, const Detail& detail) {
  // Through a string_view: g++, which built the library, and clang mangle the constructor from std::string differently.
  const std::string bytes = detail.SerializeAsString();
  status.SetPayload(TypeUrl<Detail>(), absl::Cord(absl::string_view(bytes)));
}

}  // namespace

Error::Error(absl::StatusCode code, absl::string_view reason, absl::string_view message)
    : code_(code), reason_(reason), message_(message) {}

Error& Error::With(absl::string_view key, absl::string_view value) & {
  metadata_.emplace_back(key, value);
  return *this;
}
Error&& Error::With(absl::string_view key, absl::string_view value) && { return std::move(With(key, value)); }
Error& Error::With(absl::string_view key, long long value) & { return With(key, absl::StrCat(value)); }
Error&& Error::With(absl::string_view key, long long value) && { return std::move(With(key, value)); }

Error& Error::RetryAfter(std::chrono::milliseconds delay) & {
  retry_after_ = delay;
  return *this;
}

Error&& Error::RetryAfter(std::chrono::milliseconds delay) && { return std::move(RetryAfter(delay)); }

Error&& Error::Violation(absl::string_view field, absl::string_view description) && {
  violations_.emplace_back(field, description);
  return std::move(*this);
}

Error::operator absl::Status() const {
  absl::Status status(code_, message_);
  google::rpc::ErrorInfo info;
  info.set_reason(reason_);
  info.set_domain(std::string(kErrorDomain));
  for (const auto& [key, value] : metadata_) (*info.mutable_metadata())[key] = value;
  SetDetail(status, info);
  if (retry_after_.has_value()) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(retry_after_->count() / 1000);
    retry.mutable_retry_delay()->set_nanos(static_cast<int>(retry_after_->count() % 1000) * 1'000'000);
    SetDetail(status, retry);
  }
  if (!violations_.empty()) {
    google::rpc::BadRequest bad_request;
    for (const auto& [field, description] : violations_) {
      auto* violation = bad_request.add_field_violations();
      violation->set_field(field);
      violation->set_description(description);
    }
    SetDetail(status, bad_request);
  }
  return status;
}

std::string ErrorReason(const absl::Status& status) {
  const auto info = GetDetail<google::rpc::ErrorInfo>(status);
  return info.has_value() ? info->reason() : "";
}

std::string ErrorMetadata(const absl::Status& status, absl::string_view key) {
  const auto info = GetDetail<google::rpc::ErrorInfo>(status);
  if (!info.has_value()) return "";
  const auto found = info->metadata().find(std::string(key));
  return found == info->metadata().end() ? "" : found->second;
}

std::optional<std::chrono::milliseconds> ErrorRetryDelay(const absl::Status& status) {
  const auto retry = GetDetail<google::rpc::RetryInfo>(status);
  if (!retry.has_value()) return std::nullopt;
  const auto& delay = retry->retry_delay();
  return std::chrono::milliseconds(delay.seconds() * 1000 + delay.nanos() / 1'000'000);
}

absl::Status WithMetadata(absl::Status status, absl::string_view key, absl::string_view value) {
  auto info = GetDetail<google::rpc::ErrorInfo>(status);
  if (!info.has_value()) return status;
  (*info->mutable_metadata())[std::string(key)] = std::string(value);
  SetDetail(status, *info);
  return status;
}

absl::Status WithFieldPrefix(absl::Status status, absl::string_view prefix) {
  auto bad_request = GetDetail<google::rpc::BadRequest>(status);
  if (!bad_request.has_value()) {
    if (status.code() != absl::StatusCode::kInvalidArgument) return status;
    auto* violation = bad_request.emplace().add_field_violations();
    violation->set_field(std::string(prefix));
    violation->set_description(std::string(status.message()));
    SetDetail(status, *bad_request);
    return status;
  }
  for (auto& violation : *bad_request->mutable_field_violations()) {
    violation.set_field(violation.field().empty() ? std::string(prefix) : absl::StrCat(prefix, ".", violation.field()));
  }
  SetDetail(status, *bad_request);
  return status;
}

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status result;
  result.set_code(static_cast<int>(status.code()));
  result.set_message(std::string(status.message()));
  status.ForEachPayload([&result](absl::string_view type_url, const absl::Cord& payload) {
    auto* detail = result.add_details();
    detail->set_type_url(std::string(type_url));
    detail->set_value(std::string(payload));
  });
  return result;
}

}  // namespace dspex
