#include "engine/json/escape.h"

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

// The first position from `position` on whose byte is not simply copied.
std::size_t SkipPlain(absl::string_view text, std::size_t position) {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i space = _mm_set1_epi8(0x20);
  for (; position + 16 <= text.size(); position += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + position));
    // Compared as signed, a byte below 0x20 is a control character or part of a longer character.
    const __m128i special = _mm_or_si128(_mm_cmplt_epi8(bytes, space),
                                         _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
    if (mask != 0) return position + static_cast<std::size_t>(__builtin_ctz(mask));
  }
#endif
  while (position < text.size() && kAction[static_cast<unsigned char>(text[position])] == 0) ++position;
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

}  // namespace

void AppendJsonEscaped(std::string& out, absl::string_view text) {
  std::size_t copied = 0;  // What stands before this position is in `out`.
  std::size_t position = 0;
  while ((position = SkipPlain(text, position)) < text.size()) {
    const auto byte = static_cast<unsigned char>(text[position]);
    const char action = kAction[byte];
    std::size_t size = 1;
    if (action == '8') {
      size = DecodeUtf8(text, position).size;
      if (size != 0) {
        // Text in other scripts goes on with longer characters: no need for the scan between them.
        do {
          position += size;
          size = position < text.size() && static_cast<unsigned char>(text[position]) >= 0x80
                     ? DecodeUtf8(text, position).size
                     : 0;
        } while (size != 0);
        continue;
      }
      size = 1;
    }
    out.append(text.data() + copied, position - copied);
    if (action == '8') {
      out.append(kReplacement.data(), kReplacement.size());
    } else {
      AppendEscape(out, byte, action);
    }
    position += size;
    copied = position;
  }
  out.append(text.data() + copied, text.size() - copied);
}

void AppendJsonString(std::string& out, absl::string_view text) {
  out.push_back('"');
  AppendJsonEscaped(out, text);
  out.push_back('"');
}

}  // namespace dspex
