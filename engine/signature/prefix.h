#pragma once

#include <absl/strings/string_view.h>

#include <string>

namespace dspex {

/// DSPy's label of a field, which its infer_prefix makes of the name, with a colon: "text2number" -> "Text 2 Number:",
/// "HTMLParser" -> "HTML Parser:". `name` is an identifier in its normal form.
std::string InferPrefix(absl::string_view name);

/// pydantic's title of a field: "foo_bar2baz" -> "Foo Bar2Baz". `name` as above.
std::string InferTitle(absl::string_view name);

}  // namespace dspex
