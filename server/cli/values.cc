#include "server/cli/values.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>

namespace dspex::cli {

namespace {

/// The text of a JSON string with these contents; bytes that are not UTF-8 are replaced.
std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Lists and objects are sent as they stand. Anything else is text, which the server reads as the field's type wants
/// it: `n=5` is a number for an int and the text "5" for a str.
bool IsJsonListOrObject(absl::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != absl::string_view::npos && (text[first] == '[' || text[first] == '{') && nlohmann::json::accept(text);
}

std::string InCollection(absl::string_view collection, absl::string_view id) {
  return absl::StartsWith(id, collection) ? std::string(id) : absl::StrCat(collection, id);
}

}  // namespace

absl::StatusOr<std::string> InputsJson(const std::vector<std::string>& words) {
  absl::flat_hash_set<std::string> names;
  std::string object = "{";
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat("'", word, "' is no input; write name=value"));
    }
    const std::string name = word.substr(0, equals);
    const std::string value = word.substr(equals + 1);
    if (!names.insert(name).second) return absl::InvalidArgumentError(absl::StrCat("input '", name, "' comes twice"));
    absl::StrAppend(&object, object.size() > 1 ? "," : "", Quoted(name), ":",
                    IsJsonListOrObject(value) ? value : Quoted(value));
  }
  return object + "}";
}

std::string ProgramName(absl::string_view id) { return InCollection("programs/", id); }

std::string DatasetResource(absl::string_view id) { return InCollection("datasets/", id); }

}  // namespace dspex::cli
