// Objects: members with and without quotes, colons and commas.

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/json/repair/repairer.h"
#include "engine/json/utf8.h"

namespace dspex {

// Behind the opening brace, or at the first key if there is none.
Json Repairer::ReadObject() {
  ObjectMembers members;
  if (std::optional<Json> other = ReadMembers(members); other.has_value()) return *std::move(other);
  if (!contexts_.empty()) {
    // A brace too many.
    if (Char() == U'}' && IsCurrent(Context::kArray)) ++index_;
    return members.Take();
  }
  // `{"a": 1}, "b": 2}`: the object was closed too early.
  while (true) {
    SkipSpace();
    if (Char() != U',') break;
    ++index_;
    SkipSpace();
    if (!IsQuote(Char())) break;
    ObjectMembers more;
    if (std::optional<Json> other = ReadMembers(more); other.has_value()) {
      if (other->is_object()) {
        for (auto& [key, value] : other->get_ref<Json::object_t&>()) members.Set(key, std::move(value));
      }
      break;
    }
    members.Update(std::move(more));
  }
  return members.Take();
}

// Reads members to the closing brace and over it. A value instead of them if they turn out to be no members.
std::optional<Json> Repairer::ReadMembers(ObjectMembers& members) {
  const Position begin = index_;
  const bool is_value = IsCurrent(Context::kValue);
  while (text_.Spend(1)) {
    SkipSpaceAndComments();
    if (Char() == kNoChar || Char() == U'}') break;
    if (Char() == U',') {
      ++index_;
      continue;
    }
    if (Char() == U':') ++index_;
    std::string key;
    Position key_begin = index_;
    if (!ReadKey(members, key, key_begin)) break;
    if (!is_value && EndsBeforeKey(members, key, key_begin)) break;
    SkipSpaceAndComments();
    if (Char() == kNoChar || Char() == U'}') continue;
    ++index_;  // The colon, or what stands in its place.
    Json value = ReadMemberValue();
    if (!CountValue()) break;
    members.Set(std::move(key), std::move(value));
    if (Char() == U',' || Char() == U'\'' || Char() == U'"') ++index_;
    if (Char() == U']' && IsIn(Context::kArray)) {
      --index_;
      break;
    }
  }
  ++index_;
  return members.empty() ? RepairEmptyObject(begin) : std::nullopt;
}

// `key_begin` becomes the place where the key that was read began. False if the reading failed.
bool Repairer::ReadKey(ObjectMembers& members, std::string& key, Position& key_begin) {
  const Within within(*this, Context::kKey);
  while (text_.Spend(1) && Char() != kNoChar) {
    key_begin = index_;
    if (Char() == U'[' && ReadMoreRows(members)) continue;
    Json read = ReadString();
    if (!read.is_string()) {
      Fail("a key is no text", "Write keys in quotes.");
      return false;
    }
    key = std::move(read.get_ref<std::string&>());
    if (!key.empty()) return true;
    SkipSpaceAndComments();
    if (Char() == U':' || Char() == U'}') return true;
  }
  return true;
}

// Of objects in a list, a key that is there already begins the next object, whose opening brace is put before it.
bool Repairer::EndsBeforeKey(const ObjectMembers& members, const std::string& key, Position key_begin) {
  if (!IsIn(Context::kArray) || !members.Contains(key) || IsPlainDuplicate(key_begin)) return false;
  // In the place of the character before it, which nothing looks at any more.
  text_.Overwrite(key_begin - 1, U"{");
  index_ = key_begin - 2;
  return true;
}

// Whether the key is written as keys should be: behind a comma, in quotes, before a colon.
bool Repairer::IsPlainDuplicate(Position key_begin) {
  Position before = key_begin - 1;
  while (text_.At(before) != kNoChar && IsPythonSpace(text_.At(before)) && text_.Spend(1)) --before;
  return IsQuote(text_.At(key_begin)) && text_.At(before) == U',' && text_.At(text_.NextNonSpace(index_)) == U':';
}

Json Repairer::ReadMemberValue() {
  const Within within(*this, Context::kValue);
  SkipSpaceAndComments();
  if (Char() == U',' || Char() == U'}') return "";
  return ReadValue();
}

namespace {

// The length that all arrays in `rows` have; 0 if they have none in common.
std::size_t RowLength(const Json::array_t& rows) {
  std::size_t length = 0;
  bool is_first = true;
  for (const Json& row : rows) {
    if (!row.is_array()) continue;
    if (!is_first && row.size() != length) return 0;
    length = row.size();
    is_first = false;
  }
  return length;
}

// Values at the end that stand without the array around them become rows, if they make whole ones.
void GroupTail(Json::array_t& rows, std::size_t row_length) {
  std::size_t begin = rows.size();
  while (begin > 0 && !rows[begin - 1].is_array()) --begin;
  if ((rows.size() - begin) % row_length != 0) return;
  Json::array_t tail(std::make_move_iterator(rows.begin() + static_cast<std::ptrdiff_t>(begin)),
                     std::make_move_iterator(rows.end()));
  rows.resize(begin);
  for (std::size_t i = 0; i < tail.size(); i += row_length) {
    const auto first = tail.begin() + static_cast<std::ptrdiff_t>(i);
    rows.emplace_back(Json::array_t(std::make_move_iterator(first),
                                    std::make_move_iterator(first + static_cast<std::ptrdiff_t>(row_length))));
  }
}

void Extend(Json::array_t& rows, Json::array_t&& more) {
  rows.insert(rows.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void AddRows(Json::array_t& rows, Json::array_t&& more) {
  const std::size_t row_length = RowLength(rows);
  if (row_length == 0) {
    if (more.size() == 1 && more.front().is_array()) {
      Extend(rows, std::move(more.front().get_ref<Json::array_t&>()));
    } else {
      Extend(rows, std::move(more));
    }
    return;
  }
  GroupTail(rows, row_length);
  const bool are_rows = std::all_of(more.begin(), more.end(), [](const Json& row) { return row.is_array(); });
  if (are_rows) {
    Extend(rows, std::move(more));
  } else {
    rows.emplace_back(std::move(more));
  }
}

}  // namespace

// `"a": [1], [2]`: an array in the place of a key goes on with the one before it.
bool Repairer::ReadMoreRows(ObjectMembers& members) {
  if (members.empty() || members.Last().first.empty() || !members.Last().second.is_array()) return false;
  ++index_;
  Json::array_t more = ReadArray(U']');
  auto& rows = members.Last().second.get_ref<Json::array_t&>();
  if (text_.Spend(static_cast<Position>(rows.size()))) AddRows(rows, std::move(more));
  SkipSpaceAndComments();
  if (Char() == U',') ++index_;
  SkipSpaceAndComments();
  return true;
}

}  // namespace dspex
