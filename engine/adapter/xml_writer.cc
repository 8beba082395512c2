// Elements as text, the way ElementTree writes them.

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapter/xml_reader.h"

namespace dspex {

namespace {

absl::string_view WellKnownPrefix(absl::string_view address) {
  static constexpr std::pair<absl::string_view, absl::string_view> kPrefixes[] = {
      {"http://www.w3.org/XML/1998/namespace", "xml"},
      {"http://www.w3.org/1999/xhtml", "html"},
      {"http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdf"},
      {"http://schemas.xmlsoap.org/wsdl/", "wsdl"},
      {"http://www.w3.org/2001/XMLSchema", "xs"},
      {"http://www.w3.org/2001/XMLSchema-instance", "xsi"},
      {"http://purl.org/dc/elements/1.1/", "dc"},
  };
  for (const auto& [known, prefix] : kPrefixes) {
    if (known == address) return prefix;
  }
  return "";
}

void AppendAttribute(std::string& out, absl::string_view value) {
  for (const char& c : value) {
    switch (c) {
      case '"':
        out += "&quot;";
        break;
      case '\r':
        out += "&#13;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\t':
        out += "&#09;";
        break;
      default:
        AppendXmlText(out, absl::string_view(&c, 1));
    }
  }
}

class ElementWriter {
 public:
  explicit ElementWriter(const XmlContent& content) : content_(content) {}

  std::string Write(const XmlElement& root) {
    CollectNames(root);
    std::vector<std::pair<std::string, std::string>> declarations;
    for (const auto& [address, prefix] : prefixes_) {
      if (prefix != "xml") declarations.emplace_back(prefix, address);
    }
    std::sort(declarations.begin(), declarations.end());
    Append(root, &declarations);
    return std::move(out_);
  }

 private:
  // Prefixes are numbered in the order in which their namespaces come up.
  void CollectNames(const XmlElement& element) {
    CollectName(element.tag);
    for (const auto& [name, value] : element.attributes) CollectName(name);
    for (std::size_t i = element.first_child; i != XmlElement::kNone; i = content_.at(i).next_sibling) {
      CollectNames(content_.at(i));
    }
  }

  void CollectName(absl::string_view name) {
    if (name.empty() || name.front() != '{') return;
    const absl::string_view address = name.substr(1, name.find('}') - 1);
    if (prefixes_.contains(address)) return;
    absl::string_view known = WellKnownPrefix(address);
    std::string prefix = known.empty() ? absl::StrCat("ns", declared_) : std::string(known);
    if (prefix != "xml") ++declared_;
    prefixes_.emplace(address, std::move(prefix));
  }

  void AppendName(absl::string_view name) {
    if (name.empty() || name.front() != '{') {
      absl::StrAppend(&out_, name);
      return;
    }
    const std::size_t end = name.find('}');
    absl::StrAppend(&out_, prefixes_.at(name.substr(1, end - 1)), ":", name.substr(end + 1));
  }

  void Append(const XmlElement& element, const std::vector<std::pair<std::string, std::string>>* declarations) {
    out_ += '<';
    AppendName(element.tag);
    if (declarations != nullptr) {
      for (const auto& [prefix, address] : *declarations) {
        absl::StrAppend(&out_, " xmlns:", prefix, "=\"");
        AppendAttribute(out_, address);
        out_ += '"';
      }
    }
    for (const auto& [name, value] : element.attributes) {
      out_ += ' ';
      AppendName(name);
      out_ += "=\"";
      AppendAttribute(out_, value);
      out_ += '"';
    }
    if (element.text.empty() && element.first_child == XmlElement::kNone) {
      out_ += " />";
    } else {
      out_ += '>';
      AppendXmlText(out_, element.text);
      for (std::size_t i = element.first_child; i != XmlElement::kNone; i = content_.at(i).next_sibling) {
        Append(content_.at(i), nullptr);
      }
      out_ += "</";
      AppendName(element.tag);
      out_ += '>';
    }
    AppendXmlText(out_, element.tail);
  }

  const XmlContent& content_;
  absl::flat_hash_map<std::string, std::string> prefixes_;
  int declared_ = 0;
  std::string out_;
};

}  // namespace

std::string XmlContent::ToString(const XmlElement& element) const { return ElementWriter(*this).Write(element); }

void AppendXmlText(std::string& out, absl::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out.push_back(c);
    }
  }
}

}  // namespace dspex
