#include "engine/script/pattern.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <bitset>
#include <cctype>
#include <utility>

namespace dspex {

namespace {

using Characters = std::bitset<256>;

constexpr int kMaxProgramBytes = 256 << 10;

absl::Status Malformed(absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat("malformed pattern (", problem, ")"));
}

template <typename Predicate>
Characters Where(Predicate predicate) {
  Characters characters;
  for (std::size_t c = 0; c < characters.size(); ++c) characters[c] = predicate(static_cast<unsigned char>(c));
  return characters;
}

// %a and its like; an upper-case letter means the others; anything else itself.
Characters ClassOf(unsigned char letter) {
  Characters characters;
  switch (absl::ascii_tolower(letter)) {
    case 'a':
      characters = Where(absl::ascii_isalpha);
      break;
    case 'c':
      characters = Where(absl::ascii_iscntrl);
      break;
    case 'd':
      characters = Where(absl::ascii_isdigit);
      break;
    case 'g':
      characters = Where(absl::ascii_isgraph);
      break;
    case 'l':
      characters = Where(absl::ascii_islower);
      break;
    case 'p':
      characters = Where(absl::ascii_ispunct);
      break;
    case 's':
      characters = Where(absl::ascii_isspace);
      break;
    case 'u':
      characters = Where(absl::ascii_isupper);
      break;
    case 'w':
      characters = Where(absl::ascii_isalnum);
      break;
    case 'x':
      characters = Where(absl::ascii_isxdigit);
      break;
    default:
      characters.set(letter);
      return characters;
  }
  return absl::ascii_isupper(letter) ? ~characters : characters;
}

// Reads a pattern from left to right, as Lua's matcher does.
class Translator {
 public:
  Translator(absl::string_view pattern, std::vector<Pattern::Capture>& captures)
      : pattern_(pattern), captures_(captures) {}

  absl::StatusOr<std::string> Translate() {
    while (!done()) {
      absl::Status status;
      const char c = pattern_[at_];
      if (c == '(') {
        status = Open();
      } else if (c == ')') {
        status = Close();
      } else if (c == '$' && at_ + 1 == pattern_.size()) {
        ++at_;
        out_ += "\\z";
      } else {
        status = Single();
      }
      if (!status.ok()) return status;
    }
    if (!open_.empty()) return absl::InvalidArgumentError("unfinished capture");
    return std::move(out_);
  }

 private:
  bool done() const { return at_ >= pattern_.size(); }

  absl::Status Open() {
    ++at_;
    if (captures_.size() == Pattern::kMaxCaptures) return absl::InvalidArgumentError("too many captures");
    const bool is_position = !done() && pattern_[at_] == ')';
    captures_.push_back({is_position});
    out_ += is_position ? "()" : "(";
    if (is_position) {
      ++at_;
    } else {
      open_.push_back(captures_.size());
    }
    return absl::OkStatus();
  }

  absl::Status Close() {
    ++at_;
    if (open_.empty()) return absl::InvalidArgumentError("invalid pattern capture");
    open_.pop_back();
    out_ += ')';
    return absl::OkStatus();
  }

  // One character and how often it may stand there.
  absl::Status Single() {
    const absl::StatusOr<Characters> characters = ReadCharacters();
    if (!characters.ok()) return characters.status();
    Append(*characters);
    if (done()) return absl::OkStatus();
    switch (pattern_[at_]) {
      case '*':
      case '+':
      case '?':
        out_ += pattern_[at_++];
        break;
      case '-':
        out_ += "*?";
        ++at_;
        break;
      default:
        break;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Characters> ReadCharacters() {
    const auto c = static_cast<unsigned char>(pattern_[at_++]);
    if (c == '.') return ~Characters();
    if (c == '[') return ReadSet();
    if (c == '%') return ReadEscape();
    return Characters().set(c);
  }

  absl::StatusOr<Characters> ReadEscape() {
    if (done()) return Malformed("ends with '%'");
    const auto letter = static_cast<unsigned char>(pattern_[at_++]);
    if (letter == 'b' || letter == 'f' || absl::ascii_isdigit(letter)) {
      return absl::InvalidArgumentError(absl::StrCat("the pattern has %", std::string(1, static_cast<char>(letter)),
                                                     ", which is not supported here"));
    }
    return ClassOf(letter);
  }

  absl::StatusOr<Characters> ReadSet() {
    const bool negated = !done() && pattern_[at_] == '^';
    if (negated) ++at_;
    const std::size_t end = EndOfSet();
    if (end == absl::string_view::npos) return Malformed("missing ']'");
    Characters characters;
    for (; at_ < end; ++at_) {
      const auto c = static_cast<unsigned char>(pattern_[at_]);
      if (c == '%') {
        characters |= ClassOf(static_cast<unsigned char>(pattern_[++at_]));
      } else if (at_ + 2 < end && pattern_[at_ + 1] == '-') {
        at_ += 2;
        for (unsigned i = c; i <= static_cast<unsigned char>(pattern_[at_]); ++i) characters.set(i);
      } else {
        characters.set(c);
      }
    }
    ++at_;
    return negated ? ~characters : characters;
  }

  // The place of the ] that ends the set; one that stands first is a character.
  std::size_t EndOfSet() const {
    std::size_t end = at_;
    do {
      if (end >= pattern_.size()) return absl::string_view::npos;
      end += pattern_[end] == '%' ? 2 : 1;
    } while (end >= pattern_.size() || pattern_[end] != ']');
    return end;
  }

  void Append(const Characters& characters) {
    if (characters.none()) {
      out_ += "[^\\x00-\\xFF]";
      return;
    }
    const auto code = [](std::size_t c) { return absl::StrCat("\\x", absl::Hex(c, absl::kZeroPad2)); };
    out_ += '[';
    for (std::size_t first = 0; first < characters.size(); ++first) {
      if (!characters[first]) continue;
      std::size_t last = first;
      while (last + 1 < characters.size() && characters[last + 1]) ++last;
      absl::StrAppend(&out_, code(first), "-", code(last));
      first = last;
    }
    out_ += ']';
  }

  const absl::string_view pattern_;
  std::vector<Pattern::Capture>& captures_;
  std::size_t at_ = 0;
  std::vector<std::size_t> open_;
  std::string out_;
};

}  // namespace

absl::StatusOr<Pattern> Pattern::Compile(absl::string_view pattern, bool anchors) {
  if (pattern.size() > kMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the pattern is longer than ", kMaxBytes, " bytes"));
  }
  Pattern compiled;
  compiled.anchored_ = anchors && !pattern.empty() && pattern.front() == '^';
  if (compiled.anchored_) pattern.remove_prefix(1);
  const absl::StatusOr<std::string> translated = Translator(pattern, compiled.captures_).Translate();
  if (!translated.ok()) return translated.status();

  RE2::Options options(RE2::Latin1);
  options.set_log_errors(false);
  options.set_max_mem(kMaxProgramBytes);
  auto expression = std::make_shared<const RE2>(*translated, options);
  if (!expression->ok()) return absl::InvalidArgumentError("the pattern is too large");
  compiled.expression_ = std::move(expression);
  return compiled;
}

bool Pattern::Find(absl::string_view text, re2::StringPiece* parts) const {
  const re2::StringPiece piece(text.data(), text.size());
  return expression_->Match(piece, 0, text.size(), anchored_ ? RE2::ANCHOR_START : RE2::UNANCHORED, parts,
                            static_cast<int>(captures_.size()) + 1);
}

}  // namespace dspex
