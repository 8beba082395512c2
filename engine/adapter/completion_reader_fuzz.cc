// A hostile completion that comes in pieces, the first byte says how long: each layout's reader tells of known fields
// only, each begun before anything else of it, in valid UTF-8, and the same wherever the pieces are cut.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "engine/adapter/completion_reader.h"
#include "engine/adapter/python_text.h"
#include "engine/adapter/testing.h"
#include "engine/json/utf8.h"

namespace {

using dspex::AdapterKind;

void Check(bool holds) {
  if (!holds) std::abort();
}

std::map<std::string, std::string> Read(const dspex::BoundAdapter& adapter, const std::string& text, std::size_t step) {
  const auto reader = adapter.NewReader();
  std::vector<dspex::FieldPiece> pieces;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(at + step, text.size());
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
    reader->Put(absl::string_view(text).substr(at, end - at), pieces);
    at = end;
  }
  std::map<std::string, std::string> texts;
  for (const dspex::FieldPiece& piece : pieces) {
    if (std::holds_alternative<dspex::FieldBegan>(piece.what)) {
      texts[piece.field->name].clear();
      continue;
    }
    Check(texts.contains(piece.field->name));
    const auto* part = std::get_if<dspex::FieldText>(&piece.what);
    if (part == nullptr) continue;
    Check(dspex::ValidUtf8Prefix(part->text) == part->text.size());
    texts[piece.field->name] += part->text;
  }
  return texts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const dspex::Signature signature =
      dspex::testing_support::Sig("q -> a, b: Optional[int], c: list[str], d: dict[str, float]");
  static const auto chat = dspex::testing_support::Bind(AdapterKind::kChat, signature);
  static const auto json = dspex::testing_support::Bind(AdapterKind::kJson, signature);
  static const auto xml = dspex::testing_support::Bind(AdapterKind::kXml, signature);
  if (size == 0) return 0;
  // Decoders let nothing else through.
  const std::string text =
      dspex::python_text::ValidUtf8(absl::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  for (const auto* adapter : {chat.get(), json.get(), xml.get()}) {
    Check(Read(*adapter, text, data[0] % 16 + 1) == Read(*adapter, text, text.size() + 1));
  }
  return 0;
}
