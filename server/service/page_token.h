#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>

namespace dspex {

/// A page token: opaque to clients, good only for the list it was made for. `list` names that ("ListPrograms" and whose
/// it is), `last` is the key after which the next page begins.
std::string MakePageToken(absl::string_view list, absl::string_view last);

/// The `last` of a token; empty for an empty token, which asks for the first page. INVALID_ARGUMENT / INVALID_REQUEST
/// for a token that MakePageToken did not make for `list`.
absl::StatusOr<std::string> ReadPageToken(absl::string_view list, absl::string_view token);

/// How many a page may hold: 50 for 0, at most 1000. INVALID_ARGUMENT / INVALID_REQUEST for a negative size.
absl::StatusOr<int> ReadPageSize(int page_size);

}  // namespace dspex
