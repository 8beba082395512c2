#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <string>

#include "engine/base/context.h"
#include "server/service/digest.h"
#include "server/store/program_definition.h"
#include "server/store/program_store.h"

namespace dspex {

inline constexpr std::size_t kMaxRequestId = 128;
inline constexpr std::size_t kMaxDescription = 10'000;

/// INVALID_ARGUMENT / INVALID_REQUEST with a violation of the request's `field`.
absl::Status InvalidField(absl::string_view field, absl::string_view description, absl::string_view message);

/// INVALID_REQUEST if the field has more than `limit` characters.
absl::Status CheckLength(absl::string_view text, std::size_t limit, absl::string_view field);

/// The write that `request` asks for; checks its request_id.
template <typename Request>
absl::StatusOr<WriteRequest> ReadWriteRequest(const RequestContext& context, const Request& request) {
  if (absl::Status status = CheckLength(request.request_id(), kMaxRequestId, "request_id"); !status.ok()) return status;
  WriteRequest write;
  write.tenant = context.record().tenant;
  if (request.request_id().empty()) return write;
  write.request_id = request.request_id();
  write.method = Request::descriptor()->name();
  write.hash = Sha256(SerializeDeterministically(request));
  return write;
}

}  // namespace dspex
