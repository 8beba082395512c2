#include "engine/adapter/xml_reader.h"

#include <absl/status/status.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>

#include "engine/adapter/xml_names.h"
#include "engine/adapter/xml_namespaces.h"
#include "engine/json/utf8.h"

namespace dspex {

namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

/// Reads the content of an element, keeping the open elements on a stack of its own.
class XmlParser {
 public:
  XmlParser(absl::string_view text, const XmlLimits& limits) : text_(text), limits_(limits) {
    content_.elements_.emplace_back();
    open_.push_back({0, {}, 0});
  }

  absl::StatusOr<XmlContent> Parse() {
    while (position_ < text_.size()) {
      const bool good = text_[position_] == '<' ? ReadMarkup() : text_[position_] == '&' ? ReadReference() : ReadText();
      if (!good) return absl::InvalidArgumentError(absl::StrCat("not well-formed XML at byte ", position_));
    }
    if (open_.size() != 1) return absl::InvalidArgumentError("an element is not closed");
    return std::move(content_);
  }

 private:
  struct Open {
    std::size_t element;
    absl::string_view name;
    // How many namespaces hold outside.
    std::size_t namespaces;
  };

  struct RawAttribute {
    XmlName name;
    std::string value;
  };

  absl::string_view Rest() const { return text_.substr(position_); }
  bool Take(absl::string_view expected) {
    if (!absl::StartsWith(Rest(), expected)) return false;
    position_ += expected.size();
    return true;
  }
  bool SkipSpace() {
    const std::size_t before = position_;
    while (position_ < text_.size() && IsSpace(text_[position_])) ++position_;
    return position_ > before;
  }

  // Where character data goes now: behind the last child, or before the first.
  std::string& Text() {
    XmlElement& element = content_.elements_[open_.back().element];
    return element.last_child == XmlElement::kNone ? element.text : content_.elements_[element.last_child].tail;
  }

  // Appends characters up to `end`, which must all be XML's. Line ends become "\n" or, in attributes, blanks.
  bool AppendCharacters(std::string& out, std::size_t end, bool attribute) {
    while (position_ < end) {
      const auto byte = static_cast<unsigned char>(text_[position_]);
      if (byte < 0x20) {
        if (!IsSpace(text_[position_])) return false;
        if (byte == '\r' && position_ + 1 < text_.size() && text_[position_ + 1] == '\n') ++position_;
        out.push_back(attribute ? ' ' : byte == '\r' ? '\n' : static_cast<char>(byte));
        ++position_;
        continue;
      }
      if (byte < 0x80) {
        out.push_back(static_cast<char>(byte));
        ++position_;
        continue;
      }
      const Utf8Char next = DecodeUtf8(text_, position_);
      if (next.size == 0 || !IsXmlChar(next.code)) return false;
      out.append(text_.data() + position_, next.size);
      position_ += next.size;
    }
    return true;
  }

  bool SkipCharacters(std::size_t end) {
    std::string ignored;
    return AppendCharacters(ignored, end, false);
  }

  bool ReadText() {
    const std::size_t end = std::min(text_.find_first_of("<&", position_), text_.size());
    const std::size_t wrong = text_.substr(0, end).find("]]>", position_);
    if (wrong != absl::string_view::npos) return false;
    return AppendCharacters(Text(), end, false);
  }

  bool ReadReference() { return ReadReferenceInto(Text()); }

  bool ReadReferenceInto(std::string& out) {
    if (Take("&#")) return ReadCharacterReference(out);
    static constexpr std::pair<absl::string_view, char> kEntities[] = {
        {"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (const auto& [reference, character] : kEntities) {
      if (Take(reference)) {
        out.push_back(character);
        return true;
      }
    }
    return false;
  }

  bool ReadCharacterReference(std::string& out) {
    const bool hex = Take("x");
    char32_t code = 0;
    std::size_t digits = 0;
    for (; position_ < text_.size(); ++position_, ++digits) {
      const char c = text_[position_];
      char32_t digit = 0;
      if (c >= '0' && c <= '9') {
        digit = static_cast<char32_t>(c - '0');
      } else if (hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) {
        digit = static_cast<char32_t>((c | 0x20) - 'a' + 10);
      } else {
        break;
      }
      code = std::min<char32_t>(code * (hex ? 16 : 10) + digit, 0x110000);
    }
    if (digits == 0 || !Take(";") || !IsXmlChar(code)) return false;
    AppendUtf8(out, code);
    return true;
  }

  bool ReadMarkup() {
    if (Take("<!--")) return SkipComment();
    if (Take("<![CDATA[")) return ReadCdata();
    if (Take("<?")) return SkipInstruction();
    if (Take("</")) return ReadEnd();
    return ReadStart();
  }

  bool SkipComment() {
    const std::size_t end = text_.find("--", position_);
    if (end == absl::string_view::npos || !SkipCharacters(end)) return false;
    return Take("-->");
  }

  bool ReadCdata() {
    const std::size_t end = text_.find("]]>", position_);
    if (end == absl::string_view::npos) return false;
    return AppendCharacters(Text(), end, false) && Take("]]>");
  }

  bool SkipInstruction() {
    const std::size_t length = XmlNameLength(Rest());
    if (length == 0 || absl::EqualsIgnoreCase(text_.substr(position_, length), "xml")) return false;
    position_ += length;
    if (Take("?>")) return true;
    if (!SkipSpace()) return false;
    const std::size_t end = text_.find("?>", position_);
    return end != absl::string_view::npos && SkipCharacters(end) && Take("?>");
  }

  // A name with at most one colon, something on both sides of it.
  std::optional<XmlName> ReadName() {
    const std::size_t begin = position_;
    const std::size_t first = XmlNameLength(Rest());
    if (first == 0) return std::nullopt;
    position_ += first;
    XmlName name;
    if (Take(":")) {
      const std::size_t second = XmlNameLength(Rest());
      if (second == 0) return std::nullopt;
      name.prefix = text_.substr(begin, first);
      name.local = text_.substr(position_, second);
      position_ += second;
    } else {
      name.local = text_.substr(begin, first);
    }
    name.whole = text_.substr(begin, position_ - begin);
    return name;
  }

  bool ReadEnd() {
    if (open_.size() == 1 || !Take(open_.back().name)) return false;
    SkipSpace();
    if (!Take(">")) return false;
    namespaces_.Restore(open_.back().namespaces);
    open_.pop_back();
    return true;
  }

  bool ReadStart() {
    if (!Take("<")) return false;
    const std::optional<XmlName> name = ReadName();
    if (!name.has_value()) return false;
    std::vector<RawAttribute> attributes;
    bool closed = false;
    while (true) {
      const bool spaced = SkipSpace();
      if (Take(">")) break;
      if (Take("/>")) {
        closed = true;
        break;
      }
      if (!spaced || !ReadAttribute(attributes)) return false;
    }
    return AddElement(*name, attributes, closed);
  }

  bool ReadAttribute(std::vector<RawAttribute>& attributes) {
    const std::optional<XmlName> name = ReadName();
    if (!name.has_value()) return false;
    SkipSpace();
    if (!Take("=")) return false;
    SkipSpace();
    if (position_ >= text_.size() || (text_[position_] != '"' && text_[position_] != '\'')) return false;
    const char quote = text_[position_++];
    RawAttribute attribute{*name, {}};
    const char stops[] = {quote, '<', '&'};
    while (true) {
      const std::size_t stop = text_.find_first_of(absl::string_view(stops, 3), position_);
      if (stop == absl::string_view::npos || !AppendCharacters(attribute.value, stop, true)) return false;
      if (text_[position_] == '<') return false;
      if (text_[position_] == quote) break;
      if (!ReadReferenceInto(attribute.value)) return false;
    }
    ++position_;
    attributes.push_back(std::move(attribute));
    return attributes.size() <= kMaxAttributes;
  }

  bool AddElement(const XmlName& name, std::vector<RawAttribute>& attributes, bool closed) {
    if (content_.elements_.size() > limits_.max_elements || open_.size() > limits_.max_depth) return false;
    const std::size_t outer = namespaces_.size();
    for (const RawAttribute& attribute : attributes) {
      if (!XmlNamespaces::IsDeclaration(attribute.name)) continue;
      if (!namespaces_.Declare(attribute.name, attribute.value)) return false;
    }
    XmlElement element;
    if (!namespaces_.Expand(name, true, element.tag)) return false;
    for (RawAttribute& attribute : attributes) {
      if (XmlNamespaces::IsDeclaration(attribute.name)) continue;
      std::string expanded;
      if (!namespaces_.Expand(attribute.name, false, expanded)) return false;
      element.attributes.emplace_back(std::move(expanded), std::move(attribute.value));
    }
    if (HasTwice(attributes, element.attributes)) return false;
    const std::size_t index = content_.elements_.size();
    content_.elements_.push_back(std::move(element));
    XmlElement& parent = content_.elements_[open_.back().element];
    (parent.first_child == XmlElement::kNone ? parent.first_child
                                             : content_.elements_[parent.last_child].next_sibling) = index;
    parent.last_child = index;
    if (closed) {
      namespaces_.Restore(outer);
    } else {
      open_.push_back({index, name.whole, outer});
    }
    return true;
  }

  // Names twice in one element, as written or as the namespaces make them.
  static bool HasTwice(const std::vector<RawAttribute>& raw,
                       const std::vector<std::pair<std::string, std::string>>& expanded) {
    std::vector<absl::string_view> names;
    for (const RawAttribute& attribute : raw) names.push_back(attribute.name.whole);
    std::vector<absl::string_view> expanded_names;
    for (const auto& [name, value] : expanded) expanded_names.emplace_back(name);
    const auto has_equal = [](std::vector<absl::string_view>& list) {
      std::sort(list.begin(), list.end());
      return std::adjacent_find(list.begin(), list.end()) != list.end();
    };
    return has_equal(names) || has_equal(expanded_names);
  }

  // Names are looked up one by one.
  static constexpr std::size_t kMaxAttributes = 1000;

  const absl::string_view text_;
  const XmlLimits& limits_;
  std::size_t position_ = 0;
  XmlContent content_;
  std::vector<Open> open_;
  XmlNamespaces namespaces_;
};

const std::string* XmlElement::FindAttribute(absl::string_view name) const {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [name](const auto& attribute) { return attribute.first == name; });
  return found == attributes.end() ? nullptr : &found->second;
}

absl::StatusOr<XmlContent> XmlContent::Parse(absl::string_view text, const XmlLimits& limits) {
  if (text.size() > limits.max_bytes) return absl::InvalidArgumentError("longer than allowed");
  return XmlParser(text, limits).Parse();
}

}  // namespace dspex
