#include "engine/json/escape.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "engine/json/utf8.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace dspex {

namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";

// What to do with a byte: 0 copies it, 'u' is \u00XX, '8' begins a longer character, else the letter of a short escape.
constexpr std::array<char, 256> kAction = [] {
  std::array<char, 256> action{};
  for (std::size_t byte = 0; byte < 0x20; ++byte) action[byte] = 'u';
  for (std::size_t byte = 0x80; byte < 256; ++byte) action[byte] = '8';
  action['"'] = '"';
  action['\\'] = '\\';
  action['\b'] = 'b';
  action['\f'] = 'f';
  action['\n'] = 'n';
  action['\r'] = 'r';
  action['\t'] = 't';
  return action;
}();

// The first position from `position` on whose byte is not simply copied. `kValid`: the text is valid UTF-8, so that
// longer characters are copied too.
template <bool kValid>
std::size_t SkipPlain(absl::string_view text, std::size_t position) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i space = _mm_set1_epi8(0x20);
  const __m128i last_control = _mm_set1_epi8(0x1F);
  for (; position + 16 <= text.size(); position += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + position));
    // Compared as signed, a byte below 0x20 is a control character or part of a longer character.
    const __m128i control =
        kValid ? _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes) : _mm_cmplt_epi8(bytes, space);
    const __m128i special =
        _mm_or_si128(control, _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
    if (mask != 0) return position + static_cast<std::size_t>(__builtin_ctz(mask));
  }
#endif
  while (position < text.size()) {
    const char action = kAction[static_cast<unsigned char>(text[position])];
    if (action != 0 && !(kValid && action == '8')) break;
    ++position;
  }
  return position;
}

void AppendEscape(std::string& out, unsigned char byte, char action) {
  constexpr char kHex[] = "0123456789abcdef";
  if (action == 'u') {
    const char escape[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 0xF]};
    out.append(escape, sizeof escape);
  } else {
    const char escape[] = {'\\', action};
    out.append(escape, sizeof escape);
  }
}

// Escapes `text` from `position` on. Stops before the first longer character unless the text is known to be valid.
template <bool kValid>
std::size_t AppendRuns(std::string& out, absl::string_view text, std::size_t position) {
  while (true) {
    const std::size_t end = SkipPlain<kValid>(text, position);
    out.append(text.data() + position, end - position);
    if (end == text.size()) return end;
    const auto byte = static_cast<unsigned char>(text[end]);
    if (kAction[byte] == '8') return end;
    AppendEscape(out, byte, kAction[byte]);
    position = end + 1;
  }
}

}  // namespace

void AppendJsonEscaped(std::string& out, absl::string_view text) {
  std::size_t position = AppendRuns<false>(out, text, 0);
  if (position == text.size()) return;
  // A longer character. Nearly always one look at the rest says that all such can be copied.
  if (ValidUtf8Prefix(text.substr(position)) == text.size() - position) {
    AppendRuns<true>(out, text, position);
    return;
  }
  while (position < text.size()) {
    const std::size_t size = DecodeUtf8(text, position).size;
    const absl::string_view character = size == 0 ? kReplacement : text.substr(position, size);
    out.append(character.data(), character.size());
    position = AppendRuns<false>(out, text, position + std::max<std::size_t>(size, 1));
  }
}

void AppendJsonString(std::string& out, absl::string_view text) {
  out.push_back('"');
  AppendJsonEscaped(out, text);
  out.push_back('"');
}

}  // namespace dspex
