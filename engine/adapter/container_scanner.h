#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <string>

namespace dspex {

/// Scans the JSON text of one list or object while it comes, and tells of its members. Takes JSON as it should be: at
/// the first character that should not stand where it does it stops, and whoever reads the whole has the last word.
class ContainerScanner {
 public:
  /// Told what is found. Keys are decoded; empty in lists.
  class Handler {
   public:
    virtual ~Handler() = default;
    /// A member's value begins; `is_text` if with a quote.
    virtual void OnBegin(const std::string& key, bool is_text) = 0;
    /// A piece of a text's decoded value.
    virtual void OnText(absl::string_view text) = 0;
    /// A piece of the JSON text of any value; all of them are the whole.
    virtual void OnRaw(absl::string_view raw) = 0;
    virtual void OnEnd() = 0;
  };

  explicit ContainerScanner(Handler& handler) : handler_(handler) {}

  /// Takes the next piece, valid UTF-8.
  void Put(absl::string_view text);

  /// Whether it found what it does not understand.
  bool broken() const { return state_ == State::kBroken; }
  bool done() const { return state_ == State::kDone; }

 private:
  enum class State { kBefore, kFirst, kKey, kInKey, kColon, kValue, kText, kScalar, kNested, kAfter, kDone, kBroken };

  void Take(char c);
  void BeginValue(char c);
  void EndValue(State next);
  void TakeText(char c);
  bool TakeEscape(char c);
  void TakeUnit(std::uint32_t unit);
  void TakeNested(char c);
  void TakeAfter(char c);
  void Append(std::uint32_t code_point);
  void Flush();

  Handler& handler_;
  State state_ = State::kBefore;
  bool is_list_ = false;
  /// Of kNested: containers open within the value, and where in its texts it stands.
  int depth_ = 0;
  bool in_nested_text_ = false;
  bool escaped_ = false;
  /// Of kText and kInKey: -1 outside of \u, else its digits read so far.
  int unicode_digits_ = -1;
  std::uint32_t unit_ = 0;
  /// The first half of a pair that waits for its second.
  std::uint32_t high_surrogate_ = 0;
  std::string key_;
  /// What the piece at hand added and the handler does not know yet.
  std::string text_;
  std::string raw_;
};

}  // namespace dspex
