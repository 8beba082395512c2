#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <string>
#include <vector>

namespace dspex {

/// A name as an XML text has it, "prefix:local" or "local".
struct XmlName {
  absl::string_view prefix;
  absl::string_view local;
  absl::string_view whole;
};

/// The namespaces that hold at a place of an XML text.
class XmlNamespaces {
 public:
  /// Whether an attribute of that name declares a namespace.
  static bool IsDeclaration(const XmlName& name);

  /// Takes note of a declaration; false if it is not allowed, or one too many.
  bool Declare(const XmlName& name, const std::string& address);

  /// How many hold; Restore forgets those that came after.
  std::size_t size() const { return bindings_.size(); }
  void Restore(std::size_t size) { bindings_.resize(size); }

  /// The name as "{address}local"; an attribute without a prefix is of no namespace. False if the prefix is not
  /// declared.
  bool Expand(const XmlName& name, bool element, std::string& out) const;

 private:
  struct Binding {
    std::string prefix;
    std::string address;
  };

  // Names are looked up one by one.
  static constexpr std::size_t kMaxBindings = 100;

  std::vector<Binding> bindings_;
};

}  // namespace dspex
