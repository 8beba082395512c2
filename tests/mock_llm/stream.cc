#include "tests/mock_llm/stream.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <utility>

namespace dspex::mock_llm {
namespace {

constexpr size_t kFullBytes = 64u << 10;

bool ContinuesCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// How many events precede what comes after `count` events of content.
size_t AfterContent(const std::vector<Event>& events, size_t count) {
  size_t seen = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    if (!events[i].content) continue;
    if (count == 0) return i;
    if (++seen == count) return i + 1;
  }
  return EventStream::kNowhere;
}

}  // namespace

std::vector<absl::string_view> CutCharacters(absl::string_view text, size_t characters) {
  std::vector<absl::string_view> pieces;
  while (!text.empty()) {
    size_t end = 0;
    for (size_t taken = 0; taken < characters && end < text.size(); ++taken) {
      ++end;
      while (end < text.size() && ContinuesCharacter(text[end])) ++end;
    }
    pieces.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return pieces;
}

size_t FaultPosition(const std::vector<Event>& events, const StreamShape& shape) {
  const auto content = std::count_if(events.begin(), events.end(), [](const Event& event) { return event.content; });
  if (content == 0) return events.size() / 2;
  const size_t count = shape.fault_after_events.value_or((static_cast<size_t>(content) + 1) / 2);
  return std::min(AfterContent(events, count), events.size());
}

EventStream Encode(const std::vector<Event>& events, const StreamShape& shape) {
  EventStream stream;
  stream.shape = shape;
  const absl::string_view eol = shape.crlf ? "\r\n" : "\n";
  stream.events.reserve(events.size());
  for (const Event& event : events) {
    std::string& text = stream.events.emplace_back();
    if (!event.name.empty()) absl::StrAppend(&text, "event: ", event.name, eol);
    absl::StrAppend(&text, "data: ", event.data, eol, eol);
    if (shape.keep_alives) absl::StrAppend(&text, ": keep-alive", eol, eol);
  }
  if (shape.hold_after_events.has_value()) stream.hold_at = AfterContent(events, *shape.hold_after_events);
  return stream;
}

void Framer::Add(absl::string_view text) {
  if (text.empty()) return;  // An empty chunk would be the last.
  if (piece_bytes_ == 0) return Append(text);
  waiting_.append(text.data(), text.size());
  size_t used = 0;
  for (; waiting_.size() - used >= piece_bytes_; used += piece_bytes_) {
    Append(absl::string_view(waiting_).substr(used, piece_bytes_));
  }
  waiting_.erase(0, used);
}

void Framer::Flush() {
  if (!waiting_.empty()) Append(waiting_);
  waiting_.clear();
}

void Framer::End() {
  Flush();
  if (!chunked_) return;
  if (writes_.empty()) writes_.emplace_back();
  writes_.back() += "0\r\n\r\n";
}

// Pieces of a size that was asked for are writes of their own; others share one, which is faster.
void Framer::Append(absl::string_view piece) {
  if (piece_bytes_ != 0 || writes_.empty()) writes_.emplace_back();
  if (chunked_) {
    absl::StrAppend(&writes_.back(), absl::Hex(piece.size()), "\r\n", piece, "\r\n");
  } else {
    absl::StrAppend(&writes_.back(), piece);
  }
}

std::vector<std::string> Framer::TakeWrites() { return std::exchange(writes_, {}); }

bool Framer::IsFull() const { return writes_.size() > 1 || (!writes_.empty() && writes_.back().size() > kFullBytes); }

}  // namespace dspex::mock_llm
