#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <string>
#include <vector>

#include "engine/json/json.h"

namespace dspex {

// JSON as text: what a saved state holds beyond what dspex reads is kept letter for letter, numbers above all, which a
// double would round and which releases of DSPy's writer spell differently. A *compact* text is one valid value without
// white space outside of its strings.

/// Checks one JSON text as ParseJson does (its limits, its errors) and drops the white space outside of strings.
absl::StatusOr<std::string> CompactJson(absl::string_view text, const JsonLimits& limits = {});

/// One member of an object; both are texts, the key decoded.
struct JsonMember {
  std::string key;
  std::string text;
};

/// The members of a compact object, in order; of equal keys the last value, in the place of the first.
std::vector<JsonMember> JsonMembers(absl::string_view object);

/// The elements of a compact array, views of it.
std::vector<absl::string_view> JsonElements(absl::string_view array);

/// The characters of a compact string.
std::string JsonStringValue(absl::string_view text);

/// The member of that name; null if there is none.
const JsonMember* FindMember(const std::vector<JsonMember>& members, absl::string_view key);

/// Whether the compact value is of that kind.
inline bool IsJsonObject(absl::string_view text) { return !text.empty() && text.front() == '{'; }
inline bool IsJsonArray(absl::string_view text) { return !text.empty() && text.front() == '['; }
inline bool IsJsonString(absl::string_view text) { return !text.empty() && text.front() == '"'; }

/// The compact object of these members.
std::string JsonObjectText(const std::vector<JsonMember>& members);

/// The compact string of these characters.
std::string JsonStringText(absl::string_view value);

/// Appends a value in compact form as orjson, DSPy's writer, does: floats in its notation, 0.00001 and 1e+16, NaN and
/// infinities as null.
void AppendOrjson(std::string& out, const Json& value);

/// A compact value laid out as orjson does with OPT_INDENT_2: strings and numbers stay as they are.
std::string IndentJson(absl::string_view compact);

}  // namespace dspex
