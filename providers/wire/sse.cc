#include "providers/wire/sse.h"

#include <absl/strings/match.h>
#include <absl/strings/strip.h>

#include <utility>

#include "providers/wire/json.h"

namespace dspex::wire {

absl::Status SseParser::Put(absl::string_view piece, std::vector<SseEvent>& events) {
  if (after_cr_ && !piece.empty()) {
    absl::ConsumePrefix(&piece, "\n");
    after_cr_ = false;
  }
  while (!piece.empty()) {
    const std::size_t end = piece.find_first_of("\r\n");
    const absl::string_view part = piece.substr(0, end);
    if (line_.size() + event_.data.size() + part.size() > max_event_bytes_) {
      return Malformed("an event stream", "one event is too large");
    }
    if (end == absl::string_view::npos) {
      line_.append(part.data(), part.size());
      break;
    }
    if (line_.empty()) {
      TakeLine(part, events);
    } else {
      line_.append(part.data(), part.size());
      TakeLine(line_, events);
      line_.clear();
    }
    const bool cr = piece[end] == '\r';
    piece.remove_prefix(end + 1);
    if (!cr) continue;
    after_cr_ = piece.empty();
    absl::ConsumePrefix(&piece, "\n");
  }
  return absl::OkStatus();
}

void SseParser::End(std::vector<SseEvent>& events) {
  if (!line_.empty()) TakeLine(std::exchange(line_, std::string()), events);
  Dispatch(events);
}

void SseParser::TakeLine(absl::string_view line, std::vector<SseEvent>& events) {
  if (std::exchange(at_start_, false)) absl::ConsumePrefix(&line, "\xEF\xBB\xBF");
  if (line.empty()) {
    Dispatch(events);
    return;
  }
  const std::size_t colon = line.find(':');
  const absl::string_view field = line.substr(0, colon);
  absl::string_view value = colon == absl::string_view::npos ? "" : line.substr(colon + 1);
  absl::ConsumePrefix(&value, " ");
  if (field == "event") {
    event_.type = std::string(value);
  } else if (field == "data") {
    if (std::exchange(has_data_, true)) event_.data += '\n';
    event_.data.append(value.data(), value.size());
  }
}

void SseParser::Dispatch(std::vector<SseEvent>& events) {
  if (std::exchange(has_data_, false)) events.push_back(std::move(event_));
  event_ = SseEvent();
}

}  // namespace dspex::wire
