#include "server/cli/markup.h"

#include "server/cli/table.h"

namespace dspex::cli {

std::string EscapeMarkup(absl::string_view text) {
  std::string escaped;
  for (const char c : Printable(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\n':
        escaped += "&#10;";
        break;
      default:
        escaped.push_back(c);
    }
  }
  return escaped;
}

}  // namespace dspex::cli
