// Braces without members: an object whose quotes are escaped, a set, or indeed an empty object.

#include <algorithm>
#include <utility>

#include "engine/json/repair/repairer.h"
#include "engine/json/utf8.h"

namespace dspex {

namespace {

using CodesView = std::u32string_view;

CodesView TrimBegin(CodesView text) {
  while (!text.empty() && IsPythonSpace(text.front())) text.remove_prefix(1);
  return text;
}

// Follows quotes through a text.
class QuoteTracker {
 public:
  // Whether the next character stands outside quotes, is no quote, no backslash and not escaped.
  bool IsOutside(char32_t code) {
    if (code == U'\\') {
      is_escaped_ = !is_escaped_;
      return false;
    }
    const bool was_escaped = std::exchange(is_escaped_, false);
    if (quote_ != 0) {
      if (code == quote_ && !was_escaped) quote_ = 0;
      return false;
    }
    if (!was_escaped && IsQuote(code)) {
      quote_ = code;
      return false;
    }
    was_escaped_ = was_escaped;
    return true;
  }

  bool was_escaped() const { return was_escaped_; }

 private:
  char32_t quote_ = 0;
  bool is_escaped_ = false;
  bool was_escaped_ = false;
};

// How many characters of a comment stand at the begin; 0 if there is none.
std::size_t CommentLength(CodesView text) {
  if (text.starts_with(U'#') || text.starts_with(U"//")) return std::min(text.find_first_of(U"\n\r"), text.size());
  if (!text.starts_with(U"/*")) return 0;
  const std::size_t end = text.find(U"*/", 2);
  return end == CodesView::npos ? text.size() : end + 2;
}

std::u32string WithoutComments(CodesView text) {
  std::u32string stripped;
  QuoteTracker quotes;
  while (!text.empty()) {
    const std::size_t length = quotes.IsOutside(text.front()) ? CommentLength(text) : 0;
    if (length == 0) stripped.push_back(text.front());
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return stripped;
}

bool HasColonOutsideQuotes(CodesView text) {
  QuoteTracker quotes;
  return std::any_of(text.begin(), text.end(), [&quotes](char32_t code) {
    return quotes.IsOutside(code) && code == U':' && !quotes.was_escaped();
  });
}

bool HasEscapedKey(CodesView text) {
  return (text.starts_with(U"\\\"") && text.find(U"\\\":") != CodesView::npos) ||
         (text.starts_with(U"\\'") && text.find(U"\\':") != CodesView::npos);
}

std::u32string WithoutEscapes(CodesView text, char32_t quote) {
  std::u32string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == U'\\' && i + 1 < text.size() && text[i + 1] == quote) ++i;
    plain.push_back(text[i]);
  }
  return plain;
}

}  // namespace

// What braces without members mean, read up to behind the closing one. None: an empty object.
std::optional<Json> Repairer::RepairEmptyObject(Position begin) {
  if (index_ - begin <= 2 || !text_.Spend(4 * (index_ - begin))) return std::nullopt;
  if (text_.At(index_ - 1) == U'}') {
    const std::u32string content = WithoutComments(text_.Slice(begin, index_ - 1));
    if (TrimBegin(content).empty()) return std::nullopt;
  }
  switch (ClassifyEmptyObject(text_.Slice(begin, index_ + 1))) {
    case EmptyObject::kKeep:
      return std::nullopt;
    case EmptyObject::kEscaped:
      return ReadEscapedObject(begin);
    case EmptyObject::kArray:
      return ReadSet(begin);
  }
  return std::nullopt;
}

Repairer::EmptyObject Repairer::ClassifyEmptyObject(std::u32string_view body) {
  if (body.ends_with(U'}')) body.remove_suffix(1);
  body = TrimBegin(body);
  if (body.empty()) return EmptyObject::kKeep;
  if (HasEscapedKey(body)) return EmptyObject::kEscaped;
  const std::u32string content = WithoutComments(body);
  body = TrimBegin(content);
  return body.empty() || HasColonOutsideQuotes(body) ? EmptyObject::kKeep : EmptyObject::kArray;
}

// `{\"a\": 1}`. The text without the escapes is put where the object ends, so that what follows stays in its place.
Json Repairer::ReadEscapedObject(Position begin) {
  const std::u32string_view object = text_.Slice(begin - 1, index_ + 1);
  const Position end = begin - 1 + static_cast<Position>(object.size());
  const std::u32string plain = WithoutEscapes(WithoutEscapes(object, U'"'), U'\'');
  index_ = end - static_cast<Position>(plain.size()) + 1;
  text_.Overwrite(index_ - 1, plain);
  Json value;
  {
    const Within within(*this, Context::kKey);
    value = ReadObject();
  }
  deferred_.push_back(Context::kKey);
  return value;
}

// `{"a", "b"}`
Json Repairer::ReadSet(Position begin) {
  index_ = begin;
  Json value;
  {
    const Within within(*this, Context::kKey);
    value = Json(ReadArray(U']'));
  }
  deferred_.push_back(Context::kKey);
  return value;
}

}  // namespace dspex
