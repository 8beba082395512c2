#include "engine/metric/normalize.h"

#include <absl/strings/ascii.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <vector>

#include "engine/json/utf8.h"

namespace dspex {

namespace {

constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kSigma = 0x3C3;
constexpr char32_t kFinalSigma = 0x3C2;

struct Range {
  char32_t first;
  char32_t last;
};

// Unicode's Other_Lowercase and Other_Uppercase: cased, though no letters of a case.
constexpr Range kOtherCased[] = {{0xAA, 0xAA},       {0xBA, 0xBA},       {0x2B0, 0x2B8},     {0x2C0, 0x2C1},
                                 {0x2E0, 0x2E4},     {0x345, 0x345},     {0x37A, 0x37A},     {0x1D2C, 0x1D6A},
                                 {0x1D78, 0x1D78},   {0x1D9B, 0x1DBF},   {0x2071, 0x2071},   {0x207F, 0x207F},
                                 {0x2090, 0x209C},   {0x2160, 0x217F},   {0x24B6, 0x24E9},   {0x2C7C, 0x2C7D},
                                 {0xA69C, 0xA69D},   {0xA770, 0xA770},   {0xA7F8, 0xA7F9},   {0xAB5C, 0xAB5F},
                                 {0x10780, 0x10780}, {0x10783, 0x10785}, {0x10787, 0x107B0}, {0x107B2, 0x107BA},
                                 {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}};

// What Unicode's word breaking lets stand within words: MidLetter, MidNumLet and Single_Quote.
constexpr char32_t kWithinWords[] = {0x27,   0x2E,   0x3A,   0xB7,   0x387,  0x55F,  0x5F4,  0x2018, 0x2019,
                                     0x2024, 0x2027, 0xFE13, 0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};

utf8proc_category_t Category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool IsCased(char32_t c) {
  switch (Category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
      return true;
    default:
      return std::any_of(std::begin(kOtherCased), std::end(kOtherCased),
                         [c](const Range& range) { return range.first <= c && c <= range.last; });
  }
}

bool IsCaseIgnorable(char32_t c) {
  switch (Category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return std::binary_search(std::begin(kWithinWords), std::end(kWithinWords), c);
  }
}

// Python's \w.
bool IsWord(char32_t c) {
  if (c < 0x80) return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
  const utf8proc_category_t category = Category(c);
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
         (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

// A sigma is final behind a cased character and before none, whatever case-ignorable ones stand between.
char32_t LowerSigma(const std::vector<char32_t>& text, std::size_t position) {
  std::size_t before = position;
  while (before > 0 && IsCaseIgnorable(text[before - 1])) --before;
  if (before == 0 || !IsCased(text[before - 1])) return kSigma;
  std::size_t after = position + 1;
  while (after < text.size() && IsCaseIgnorable(text[after])) ++after;
  return after < text.size() && IsCased(text[after]) ? kSigma : kFinalSigma;
}

// Decomposed; byte by byte if it is not UTF-8.
std::vector<char32_t> Decompose(absl::string_view text) {
  std::vector<char32_t> decomposed;
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &mapped, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (size < 0) {
    for (const char c : text) decomposed.push_back(static_cast<unsigned char>(c));
    return decomposed;
  }
  const absl::string_view valid(reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(size));
  decomposed.reserve(valid.size());
  for (std::size_t position = 0; position < valid.size();) {
    const Utf8Char c = DecodeUtf8(valid, position);
    decomposed.push_back(c.code);
    position += std::max<std::size_t>(c.size, 1);
  }
  return decomposed;
}

// Gathers words: runs of characters between white space and articles.
class Folder {
 public:
  // A character that is lower case and no punctuation.
  void Add(char32_t c) {
    const bool is_word = IsWord(c);
    if (is_word != in_word_) EndRun();
    in_word_ = is_word;
    if (IsPythonSpace(c)) {
      has_gap_ = true;
      return;
    }
    if (has_gap_ && !out_.empty()) out_.push_back(' ');
    if (has_gap_) run_ = out_.size();
    has_gap_ = false;
    AppendUtf8(out_, c);
  }

  std::string Take() {
    EndRun();
    while (!out_.empty() && out_.back() == ' ') out_.pop_back();
    return std::move(out_);
  }

 private:
  // Between a word and what is none: an article becomes a gap.
  void EndRun() {
    const absl::string_view run = absl::string_view(out_).substr(std::min(run_, out_.size()));
    if (in_word_ && (run == "a" || run == "an" || run == "the")) {
      out_.resize(run_);
      while (!out_.empty() && out_.back() == ' ') out_.pop_back();
      has_gap_ = true;
    }
    run_ = out_.size();
  }

  std::string out_;
  std::size_t run_ = 0;  // Where the present run of word characters, or of others, begins.
  bool in_word_ = false;
  bool has_gap_ = false;
};

}  // namespace

std::string NormalizeText(absl::string_view text) {
  Folder folder;
  const bool is_ascii = std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
  if (is_ascii) {
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (!absl::ascii_ispunct(byte)) folder.Add(static_cast<char32_t>(absl::ascii_tolower(byte)));
    }
    return folder.Take();
  }
  const std::vector<char32_t> decomposed = Decompose(text);
  for (std::size_t i = 0; i < decomposed.size(); ++i) {
    const char32_t c = decomposed[i];
    if (c < 0x80 && absl::ascii_ispunct(static_cast<unsigned char>(c))) continue;
    folder.Add(c == kCapitalSigma ? LowerSigma(decomposed, i)
                                  : static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
  return folder.Take();
}

}  // namespace dspex
