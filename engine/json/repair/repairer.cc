#include "engine/json/repair/repairer.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "engine/json/repair/characters.h"
#include "engine/json/repair/python_json.h"
#include "engine/json/utf8.h"

namespace dspex {

namespace {

constexpr absl::string_view kPassesLimits = "it nests too deeply or has too many values";

// Rules that put values into lists of their own make more and deeper ones than were read.
bool KeepsLimits(const Json& value, const JsonLimits& limits, int depth, std::size_t& count) {
  if (++count > limits.max_values) return false;
  if (!value.is_structured()) return true;
  return depth < limits.max_depth &&
         std::all_of(
             value.begin(), value.end(),
             [&](const Json& element) { return KeepsLimits(element, limits, depth + 1, count); });
}

}  // namespace

Repairer::Repairer(absl::string_view text, const JsonLimits& limits) : utf8_(text), limits_(limits), text_(text) {}

std::optional<Json> Repairer::Read() {
  Json value = ReadTopLevel();
  if (text_.is_exhausted()) Fail("it is too far from JSON to be repaired in reasonable time", "Send less at once.");
  std::size_t count = 0;
  if (!has_failed_ && !KeepsLimits(value, limits_, 0, count)) Fail(kPassesLimits, "Send less at once.");
  if (has_failed_) return std::nullopt;
  return value;
}

// One value; of several, which may have prose between them, a list.
Json Repairer::ReadTopLevel() {
  Json first = ReadValue();
  if (index_ >= text_.size()) return first;
  Json::array_t values;
  values.push_back(std::move(first));
  while (index_ < text_.size()) {
    contexts_.clear();
    counts_ = {};
    deferred_.clear();
    const bool is_comma_separated = IsTopLevelCommaSeparated();
    Json next = ReadValue();
    if (!IsPythonTrue(next)) {
      ++index_;
      continue;
    }
    // A value that looks like the one before it corrects it.
    if ((!is_comma_separated && HaveSameShape(values.back(), next)) || !IsPythonTrue(values.back())) values.pop_back();
    values.push_back(std::move(next));
  }
  if (values.size() > 1) return Json(std::move(values));
  Json only = std::move(values.front());
  return only;
}

bool Repairer::IsTopLevelCommaSeparated() {
  if (text_.At(text_.NextNonSpace(index_)) == U',') return true;
  Position position = index_ - 1;
  while (position >= 0 && IsPythonSpace(text_.At(position)) && text_.Spend(1)) --position;
  return position >= 0 && text_.At(position) == U',';
}

Json Repairer::ReadValue() {
  if (deferred_.empty()) return ReadValueHere();
  const std::vector<Context> deferred = std::exchange(deferred_, {});
  for (const Context context : deferred) Enter(context);
  Json value = ReadValueHere();
  for (std::size_t i = 0; i < deferred.size(); ++i) Leave();
  return value;
}

// Skips what cannot begin a value.
Json Repairer::ReadValueHere() {
  bool may_lack_brace = index_ == 0 && contexts_.empty();
  for (; text_.Spend(1) && Char() != kNoChar; ++index_) {
    const char32_t code = Char();
    if (code == U'{' || code == U'[') {
      if (std::optional<Json> value = ReadValidJson(); value.has_value()) return *std::move(value);
      ++index_;
      if (code == U'{') return Nested([this] { return ReadObject(); });
      return Nested([this] { return Json(ReadArray(U']')); });
    }
    if (code == U'(' && (!contexts_.empty() || ParenthesisBeginsValue())) {
      return Nested([this] { return ReadParenthesized(); });
    }
    if (!contexts_.empty()) {
      if (IsQuote(code) || IsPythonAlpha(code)) return ReadString();
      if (IsPythonDigit(code) || code == U'-' || code == U'.') return ReadNumber();
    }
    if (code == U'#' || code == U'/') {
      SkipComment();
      if (!contexts_.empty()) return "";
      may_lack_brace = false;
      --index_;  // The loop goes on with what follows the comment.
    } else if (IsQuote(code) && may_lack_brace) {
      may_lack_brace = false;
      if (std::optional<Json> value = ReadObjectWithoutBrace(code); value.has_value()) return *std::move(value);
    }
  }
  return "";
}

// Whether the container at the begin of the text ends before the text does, and not before a comma.
bool Repairer::IsFirstContainerFollowed() const {
  std::vector<char32_t> closings;
  bool is_in_string = false;
  for (Position position = 0; position < text_.size(); ++position) {
    const char32_t code = text_.At(position);
    if (is_in_string) {
      if (code == U'\\') ++position;
      is_in_string = code != U'"';
    } else if (code == U'"') {
      is_in_string = true;
    } else if (code == U'{' || code == U'[') {
      closings.push_back(code == U'{' ? U'}' : U']');
    } else if (code == U'}' || code == U']') {
      if (closings.empty() || closings.back() != code) return false;
      closings.pop_back();
      if (!closings.empty()) continue;
      ++position;
      while (position < text_.size() && IsPythonSpace(text_.At(position))) ++position;
      return position < text_.size() && text_.At(position) != U',';
    }
  }
  return false;
}

// The first container outside of others may be valid JSON within prose.
std::optional<Json> Repairer::ReadValidJson() {
  if (has_tried_valid_json_ || !contexts_.empty()) return std::nullopt;
  if (index_ == 0 && !IsFirstContainerFollowed()) return std::nullopt;
  has_tried_valid_json_ = true;
  // Not what was sent if an object's escapes were taken out of the text.
  const std::string rest = EncodeUtf8(text_.Slice(index_, text_.size()));
  PythonJsonReader reader(rest, limits_);
  Json value;
  const PythonJsonReader::Outcome outcome = reader.ReadPrefix(value);
  if (outcome == PythonJsonReader::Outcome::kMalformed) return std::nullopt;
  if (outcome != PythonJsonReader::Outcome::kRead) {
    const bool is_limit = outcome == PythonJsonReader::Outcome::kLimit;
    FailAt(ByteOffset(index_) + reader.position(), is_limit ? kPassesLimits : "an integer is too long", "Shorten it.");
    return "";
  }
  for (std::size_t position = 0; position < reader.position(); ++index_) {
    position += std::max<std::size_t>(DecodeUtf8(rest, position).size, 1);
  }
  return value;
}

// `"key": 1}`, if an opening brace makes JSON of all of the text.
std::optional<Json> Repairer::ReadObjectWithoutBrace(char32_t quote) {
  if (text_.NextNonSpace(0) != index_) return std::nullopt;
  const Position key_end = text_.NextUnescaped(TargetOf(quote), index_ + 1);
  if (text_.At(key_end) == kNoChar || text_.At(text_.NextNonSpace(key_end + 1)) != U':') return std::nullopt;
  Json value;
  PythonJsonReader reader(utf8_, limits_);
  const PythonJsonReader::Outcome outcome = reader.ReadMembersAndBrace(value);
  if (outcome == PythonJsonReader::Outcome::kLimit) FailAt(reader.position(), kPassesLimits, "Send less at once.");
  if (outcome != PythonJsonReader::Outcome::kRead) return std::nullopt;
  index_ = text_.size();
  return value;
}

void Repairer::Enter(Context context) {
  contexts_.push_back(context);
  ++counts_[static_cast<std::size_t>(context)];
}

void Repairer::Leave() {
  if (contexts_.empty()) return;
  --counts_[static_cast<std::size_t>(contexts_.back())];
  contexts_.pop_back();
}

// All reading ends, as the text is empty from now on.
void Repairer::FailAt(std::size_t position, absl::string_view problem, absl::string_view advice) {
  if (has_failed_) return;
  has_failed_ = true;
  failure_ = {position, std::string(problem), std::string(advice)};
  text_.Clear();
}

bool Repairer::CountValue() {
  if (++value_count_ <= limits_.max_values) return true;
  Fail(absl::StrCat("it has more than ", limits_.max_values, " values"), "Send less at once.");
  return false;
}

// As good as exact: what edits take out of the text is counted where the edit ends.
std::size_t Repairer::ByteOffset(Position position) const {
  std::size_t offset = 0;
  for (Position i = 0; i < position && offset < utf8_.size(); ++i) {
    offset += std::max<std::size_t>(DecodeUtf8(utf8_, offset).size, 1);
  }
  return std::min(offset, utf8_.size());
}

bool IsPythonTrue(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return false;
    case Json::value_t::boolean:
      return value.get<bool>();
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      return value.get<double>() != 0;
    case Json::value_t::string:
      return !value.get_ref<const std::string&>().empty();
    default:
      return !value.empty();
  }
}

namespace {

bool HaveSameMembers(const Json::object_t& one, const Json::object_t& other) {
  absl::flat_hash_map<absl::string_view, const Json*> values;
  values.reserve(other.size());
  for (const auto& [key, value] : other) values.emplace(key, &value);
  return std::all_of(one.begin(), one.end(), [&values](const auto& member) {
    const auto found = values.find(member.first);
    return found != values.end() && HaveSameShape(member.second, *found->second);
  });
}

}  // namespace

bool HaveSameShape(const Json& one, const Json& other) {
  if (one.is_number_integer() && other.is_number_integer()) return true;  // Signed or not.
  if (one.type() != other.type()) return false;
  if (one.is_structured() && one.size() != other.size()) return false;
  if (one.is_object()) {
    return HaveSameMembers(one.get_ref<const Json::object_t&>(), other.get_ref<const Json::object_t&>());
  }
  if (!one.is_array()) return true;
  return std::equal(one.begin(), one.end(), other.begin(), HaveSameShape);
}

}  // namespace dspex
