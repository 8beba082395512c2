#pragma once

#include <absl/strings/string_view.h>

#include <optional>
#include <string>

#include "engine/signature/type.h"

namespace dspex {

/// What Python prints of a date, time, datetime or timedelta whose JSON form is `text` ("2024-05-01T10:00:00Z",
/// "P1DT2H"), by str() or by repr(). None for another kind or text. A time zone is pydantic's.
std::optional<std::string> PythonTimeStr(Type::Kind kind, absl::string_view text);
std::optional<std::string> PythonTimeRepr(Type::Kind kind, absl::string_view text);

}  // namespace dspex
