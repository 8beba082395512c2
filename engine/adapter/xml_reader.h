#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace dspex {

/// One element of an XML text. Comments and processing instructions are gone, entities and CDATA are text.
struct XmlElement {
  /// Index of none.
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  /// The name; "{address}name" where it is of a namespace.
  std::string tag;
  std::vector<std::pair<std::string, std::string>> attributes;
  /// What stands before the first child, and what stands behind the element.
  std::string text;
  std::string tail;
  std::size_t first_child = kNone;
  std::size_t last_child = kNone;
  std::size_t next_sibling = kNone;

  /// The attribute's value; null if it is not there.
  const std::string* FindAttribute(absl::string_view name) const;
};

/// Bounds on an XML text that someone else wrote.
struct XmlLimits {
  std::size_t max_bytes = std::size_t{16} << 20;
  std::size_t max_depth = 100;
  std::size_t max_elements = 200'000;
};

/// What stands within one element, read as strictly as expat reads it (the parser under Python's ElementTree): XML 1.0
/// with namespaces. Without declarations there are no entities but the five of XML itself, so none expands.
class XmlContent {
 public:
  /// Linear in time, no recursion. INVALID_ARGUMENT for what is not well formed or passes the limits.
  static absl::StatusOr<XmlContent> Parse(absl::string_view text, const XmlLimits& limits = {});

  /// The element around the text; it has no name.
  const XmlElement& root() const { return elements_.front(); }
  /// The element of an index other than kNone.
  const XmlElement& at(std::size_t index) const { return elements_[index]; }

  /// The element as ElementTree writes it, what stands behind it included.
  std::string ToString(const XmlElement& element) const;

 private:
  friend class XmlParser;
  std::vector<XmlElement> elements_;
};

/// Appends text as ElementTree escapes it.
void AppendXmlText(std::string& out, absl::string_view text);

}  // namespace dspex
