#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dspex {

/// The longest text of a signature or a type.
inline constexpr std::size_t kMaxSignatureBytes = 64 * 1024;

/// One token of a signature's text.
struct Token {
  enum class Kind { kName, kNumber, kString, kPunctuation, kInvalid, kEnd };

  Kind kind = Kind::kEnd;
  /// Byte offset in the text.
  std::size_t position = 0;
  /// The token as it is written; points into the text. Empty at the end.
  absl::string_view text;
  /// A name in its normal form (NFKC, as Python's), a string's content.
  std::string value;
  /// An integer's value, if it fits.
  std::uint64_t integer = 0;
  bool is_integer = false;
  /// Why a kInvalid token is none.
  absl::Status error;

  bool Is(absl::string_view punctuation) const { return kind == Kind::kPunctuation && text == punctuation; }
};

/// The text in tokens, with kEnd as the last. Names, strings and numbers follow Python's grammar; white space of any
/// kind may stand between tokens. Where something is no token, the list has a kInvalid for it and ends: so that of two
/// errors in a text the first is told. The tokens point into `text`, which must outlive them. A text that is too long
/// or not valid UTF-8 is INVALID_ARGUMENT / INVALID_SIGNATURE with `position` and `token`.
absl::StatusOr<std::vector<Token>> Tokenize(absl::string_view text);

/// What the messages of these errors begin with; for a type on its own there is a better name.
inline constexpr absl::string_view kSignatureSubject = "The signature";

/// The error for what stands at `position`. `problem` is a sentence without its point, `advice` a sentence.
absl::Status SignatureError(std::size_t position, absl::string_view token, absl::string_view problem,
                            absl::string_view advice);
/// The same for a token; for one that is kInvalid, its own error.
absl::Status SignatureError(const Token& token, absl::string_view problem, absl::string_view advice);

/// `name` in its normal form if it is a Python identifier, empty otherwise.
std::string NormalizeIdentifier(absl::string_view name);

/// Whether Python reserves the name.
bool IsPythonKeyword(absl::string_view name);

/// A position in a list of tokens.
class TokenCursor {
 public:
  /// `tokens` end with kEnd and outlive the cursor.
  explicit TokenCursor(const std::vector<Token>& tokens) : next_(tokens.data()) {}

  const Token& Peek() const { return *next_; }
  /// The token behind the next; kEnd if there is none.
  const Token& PeekSecond() const { return next_->kind == Token::Kind::kEnd ? *next_ : next_[1]; }
  /// Returns the next token and goes on; stays at kEnd.
  const Token& Next() { return next_->kind == Token::Kind::kEnd ? *next_ : *next_++; }
  /// Goes on if the next token is this punctuation.
  bool Take(absl::string_view punctuation) {
    if (!next_->Is(punctuation)) return false;
    ++next_;
    return true;
  }

 private:
  const Token* next_;
};

}  // namespace dspex
