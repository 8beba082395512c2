#pragma once

#include <absl/strings/string_view.h>

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/json/json.h"
#include "engine/json/repair/object_members.h"
#include "engine/json/repair/repair_text.h"
#include "engine/json/repair/string_state.h"

namespace dspex {

/// Why a text could not be read.
struct ReadFailure {
  std::size_t position = 0;  ///< A byte's offset.
  std::string problem;
  std::string advice;
};

/// Makes JSON of a text that is not quite JSON, as Python's json_repair does, rule by rule: what a character means
/// depends on the containers around it and on what follows. For one text; the files repair_*.cc have its parts.
class Repairer {
 public:
  /// `text` must be valid UTF-8 and outlive the reader.
  Repairer(absl::string_view text, const JsonLimits& limits);

  /// The value, "" where there is none. None if it failed.
  std::optional<Json> Read();

  const ReadFailure& failure() const { return failure_; }

 private:
  // What is being read. An array's elements and an object's values may be containers, so contexts nest.
  enum class Context : std::uint8_t { kKey, kValue, kArray };

  // Enters a context for as long as it lives.
  class Within {
   public:
    Within(Repairer& repairer, Context context) : repairer_(repairer) { repairer_.Enter(context); }
    ~Within() { repairer_.Leave(); }
    Within(const Within&) = delete;
    Within& operator=(const Within&) = delete;

   private:
    Repairer& repairer_;
  };

  enum class Step { kGoOn, kNext, kStop };
  enum class Comma { kMember, kContainer, kString, kStringToTheEnd };

  // repairer.cc: values, and what may stand around them.
  Json ReadTopLevel();
  bool IsTopLevelCommaSeparated();
  Json ReadValue();
  Json ReadValueHere();
  bool SkipTopLevelComment();
  template <typename Read>
  Json Nested(Read read);
  bool IsFirstContainerFollowed() const;
  std::optional<Json> ReadValidJson();
  std::optional<Json> ReadObjectWithoutBrace(char32_t quote);

  // repair_object.cc
  Json ReadObject();
  std::optional<Json> ReadMembers(ObjectMembers& members);
  bool ReadKey(ObjectMembers& members, std::string& key, Position& key_begin);
  bool EndsBeforeKey(const ObjectMembers& members, const std::string& key, Position key_begin);
  bool IsPlainDuplicate(Position key_begin);
  Json ReadMemberValue();
  bool ReadMoreRows(ObjectMembers& members);

  // repair_empty_object.cc
  enum class EmptyObject { kKeep, kEscaped, kArray };
  std::optional<Json> RepairEmptyObject(Position begin);
  EmptyObject ClassifyEmptyObject(std::u32string_view body);
  Json ReadEscapedObject(Position begin);
  Json ReadSet(Position begin);

  // repair_array.cc
  Json::array_t ReadArray(char32_t closing);
  bool ReadQuotedElement(char32_t quote, bool may_end_array, Json& value);
  Json ReadParenthesized();
  bool IsTuple();
  bool ParenthesisBeginsValue();
  bool BeginsLine();
  bool IsParenthesisAlone();

  // repair_scalar.cc
  Json ReadNumber();
  bool ReadLiteralWord(Json& value);
  void SkipComment();
  void SkipLineComment();
  void SkipBlockComment();
  void SkipSpaceAndComments();

  // repair_string.cc
  Json ReadString();
  std::optional<Json> BeginString(StringState& state);
  std::optional<std::string> ReadPlainString();
  bool MayFollowPlainString(char32_t next) const;
  std::optional<Json> ReadFence();
  std::optional<Json> ReadDoubledQuote(StringState& state);
  std::string FinishString(StringState& state);

  // repair_string_body.cc
  void ReadStringBody(StringState& state);
  Step LookBeforeCharacter(StringState& state, char32_t code);
  Step LookAfterCharacter(StringState& state);
  bool KeepInlineContainer(StringState& state, char32_t code);
  Step LookAtComma(StringState& state);
  bool IsClosingQuoteMissing(StringState& state);
  Step LookAtFenceBehindBrace(StringState& state);
  bool KeyEndsAtColon(const StringState& state);
  void AppendLiteral(StringState& state, char32_t code);

  // repair_escape.cc
  bool ReadEscape(StringState& state);
  bool ReadBackslashes(StringState& state);
  bool ReadHexEscape(StringState& state, char32_t letter);

  // repair_quote.cc
  Step LookAtQuote(StringState& state);
  Step LookAtQuoteOfBareValue(const StringState& state);
  Position NextQuoteOrEnd(const StringState& state);
  Step LookAtQuoteBeforeQuote(StringState& state, Position next);
  bool ColonFollows(const StringState& state, Position quote);

  // repair_lookahead.cc
  Position CachedNext(StringState& state, Targets targets, Position position);
  bool IsSpaceUntil(Position end);
  Position SkipBareKey(Position position);
  bool IsBareKeyBeforeColon(Position position);
  Position SkipSpaceAndCommentsFrom(Position position);
  bool MemberBegins(Position position);
  bool MemberFollowsQuote(Position quote);
  Comma ClassifyComma(StringState& state);
  bool HasBareMemberValue(StringState& state, Position position);

  // repair_inline.cc: containers and fences within strings.
  std::optional<Position> SkipInlineContainer(Position position);
  bool BeginsNestedContainer(Position position);
  bool BraceBeforeFenceIsContent(StringState& state, Position fence);
  bool MemberFollowsContainer(Position end);

  char32_t Char() const { return text_.At(index_); }
  void SkipSpace() { index_ = text_.NextNonSpace(index_); }

  void Enter(Context context);
  void Leave();
  bool IsIn(Context context) const { return counts_[static_cast<std::size_t>(context)] > 0; }
  bool IsCurrent(Context context) const { return !contexts_.empty() && contexts_.back() == context; }

  void Fail(absl::string_view problem, absl::string_view advice) { FailAt(ByteOffset(index_), problem, advice); }
  void FailAt(std::size_t position, absl::string_view problem, absl::string_view advice);
  bool CountValue();
  std::size_t ByteOffset(Position position) const;

  absl::string_view utf8_;
  const JsonLimits& limits_;
  RepairText text_;
  Position index_ = 0;
  std::vector<Context> contexts_;
  std::array<std::size_t, 3> counts_{};
  // Contexts to enter when the next value is read: an object read as an array leaves them behind.
  std::vector<Context> deferred_;
  bool has_tried_valid_json_ = false;
  int depth_ = 0;
  std::size_t value_count_ = 0;
  bool has_failed_ = false;
  ReadFailure failure_;
};

/// Whether Python takes a value for true.
bool IsPythonTrue(const Json& value);

/// Whether two values have the same types, lengths and keys all the way down.
bool HaveSameShape(const Json& one, const Json& other);

template <typename Read>
Json Repairer::Nested(Read read) {
  if (depth_ >= limits_.max_depth) {
    Fail("it nests too deeply", "Flatten it.");
    return "";
  }
  ++depth_;
  Json value = read();
  --depth_;
  return value;
}

}  // namespace dspex
