#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <string>
#include <vector>

namespace dspex::wire {

/// One event of an event stream.
struct SseEvent {
  /// Empty if the stream did not say.
  std::string type;
  std::string data;
};

/// Reads the events of a stream out of pieces that are cut anywhere, by the rules of
/// https://html.spec.whatwg.org/multipage/server-sent-events.html: lines end with LF, CRLF or CR; comments, and fields
/// other than `event` and `data`, mean nothing here; an event whose blank line never came is none. A final `data` line
/// without a blank line counts nevertheless: some servers end so.
class SseParser {
 public:
  explicit SseParser(std::size_t max_event_bytes = std::size_t{8} << 20) : max_event_bytes_(max_event_bytes) {}

  /// Appends the events that `piece` completes. INTERNAL / PROVIDER_MALFORMED_RESPONSE if one is too large.
  absl::Status Put(absl::string_view piece, std::vector<SseEvent>& events);

  /// The body has ended: appends the event that only lacks its blank line.
  void End(std::vector<SseEvent>& events);

 private:
  void TakeLine(absl::string_view line, std::vector<SseEvent>& events);
  void Dispatch(std::vector<SseEvent>& events);

  const std::size_t max_event_bytes_;
  /// The line that has not ended.
  std::string line_;
  /// Whether the last piece ended with CR, so that a LF belongs to it.
  bool after_cr_ = false;
  bool at_start_ = true;
  SseEvent event_;
  bool has_data_ = false;
};

}  // namespace dspex::wire
