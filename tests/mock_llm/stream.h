#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "tests/mock_llm/types.h"

namespace dspex::mock_llm {

/// How a streamed answer is cut and framed: keys of a rule, README.md says what each means.
struct StreamShape {
  size_t chunk_chars = 5;
  size_t chunk_bytes = 0;  // 0: events whole.
  Milliseconds interval{0};
  bool crlf = false;
  bool keep_alives = false;
  bool no_done = false;
  bool no_finish_reason = false;
  bool no_chunked = false;
  std::optional<size_t> hold_after_events;
  std::optional<size_t> fault_after_events;
};

/// An event of a stream.
struct Event {
  std::string name;      ///< Of its `event:` line; empty for none.
  std::string data;      ///< Of its `data:` line.
  bool content = false;  ///< It carries a part of the answer.
};

/// The body of a streamed answer.
struct EventStream {
  static constexpr size_t kNowhere = std::numeric_limits<size_t>::max();

  std::vector<std::string> events;  ///< As they stand in the body.
  StreamShape shape;
  size_t hold_at = kNowhere;   ///< So many events precede the wait for a release.
  size_t fault_at = kNowhere;  ///< So many events precede the fault, if the answer's delivery is one.
};

/// Pieces of so many characters (the last may be shorter), never cut within one.
std::vector<absl::string_view> CutCharacters(absl::string_view text, size_t characters);

/// How many events precede the fault of a rule: those up to the middle of the content, or to where the rule says.
size_t FaultPosition(const std::vector<Event>& events, const StreamShape& shape);

/// The body that the events make.
EventStream Encode(const std::vector<Event>& events, const StreamShape& shape);

/// Turns the text of a body into what is written to the socket, one write after another.
class Framer {
 public:
  /// Pieces of `piece_bytes` wherever they fall; 0: as the text comes. With `chunked` each is a chunk of HTTP's.
  Framer(size_t piece_bytes, bool chunked) : piece_bytes_(piece_bytes), chunked_(chunked) {}

  /// More text of the body. What does not fill a piece waits for more.
  void Add(absl::string_view text);
  /// The text that waits for more, as a piece of its own.
  void Flush();
  /// Flushes, and says that the body ends, if its coding can.
  void End();
  /// Bytes that go before all else, unframed.
  void AddHead(absl::string_view head) { writes_.emplace_back(head); }

  /// Takes what is to be written.
  std::vector<std::string> TakeWrites();
  /// Whether there is much to be written.
  bool IsFull() const;

 private:
  void Append(absl::string_view piece);

  const size_t piece_bytes_;
  const bool chunked_;
  std::string waiting_;
  std::vector<std::string> writes_;
};

}  // namespace dspex::mock_llm
