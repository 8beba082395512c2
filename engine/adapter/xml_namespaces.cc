#include "engine/adapter/xml_namespaces.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

namespace dspex {

namespace {

constexpr absl::string_view kXmlNamespace = "http://www.w3.org/XML/1998/namespace";
constexpr absl::string_view kXmlnsNamespace = "http://www.w3.org/2000/xmlns/";

}  // namespace

bool XmlNamespaces::IsDeclaration(const XmlName& name) {
  return name.prefix == "xmlns" || (name.prefix.empty() && name.local == "xmlns");
}

bool XmlNamespaces::Declare(const XmlName& name, const std::string& address) {
  const absl::string_view prefix = name.prefix.empty() ? absl::string_view() : name.local;
  if (prefix == "xmlns" || (address.empty() && !prefix.empty())) return false;
  if ((prefix == "xml") != (address == kXmlNamespace) || address == kXmlnsNamespace) return false;
  // It ends addresses in expanded names.
  if (address.find('}') != std::string::npos) return false;
  bindings_.push_back({std::string(prefix), address});
  return bindings_.size() <= kMaxBindings;
}

bool XmlNamespaces::Expand(const XmlName& name, bool element, std::string& out) const {
  if (name.prefix == "xmlns") return false;
  absl::string_view address;
  if (name.prefix == "xml") {
    address = kXmlNamespace;
  } else if (element || !name.prefix.empty()) {
    const auto found = std::find_if(bindings_.rbegin(), bindings_.rend(),
                                    [&name](const Binding& binding) { return binding.prefix == name.prefix; });
    if (found != bindings_.rend()) address = found->address;
    if (address.empty() && !name.prefix.empty()) return false;
  }
  out = address.empty() ? std::string(name.local) : absl::StrCat("{", address, "}", name.local);
  return true;
}

}  // namespace dspex
