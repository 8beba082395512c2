#include "providers/http/response.h"

#include <absl/strings/match.h>

namespace dspex::http {

// Each field is "name:value\n".
void Headers::Append(absl::string_view name, absl::string_view value) {
  if (lines_.empty()) lines_.reserve(512);
  lines_.append(name.data(), name.size());
  lines_ += ':';
  lines_.append(value.data(), value.size());
  lines_ += '\n';
}

absl::string_view Headers::Get(absl::string_view name) const {
  absl::string_view rest = lines_;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const absl::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        absl::EqualsIgnoreCase(line.substr(0, name.size()), name)) {
      return line.substr(name.size() + 1);
    }
  }
  return {};
}

}  // namespace dspex::http
