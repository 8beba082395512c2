#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/closed_loop.h"
#include "tests/bench/targets.h"

namespace dspex::bench {

/// When the first piece of each stream came. The provider writes into that piece when it sent it (the mock's
/// {{sent_ns}}). Each index is written once, by any thread.
class FirstPieces {
 public:
  explicit FirstPieces(int64_t streams)
      : delays_us_(static_cast<size_t>(streams)), waits_us_(static_cast<size_t>(streams)) {}

  /// Notes the text of the first piece of stream `n`, which began at `begin`; false if it does not say when it was
  /// sent.
  bool Note(int64_t n, std::chrono::steady_clock::time_point begin, absl::string_view text);

  /// Of the streams from `first` on: from when the provider sent the piece until it came, and from the request on.
  std::vector<float> delays_us(int64_t first) const { return {delays_us_.begin() + first, delays_us_.end()}; }
  std::vector<float> waits_us(int64_t first) const { return {waits_us_.begin() + first, waits_us_.end()}; }

  /// Pieces that came, of all streams.
  std::atomic<int64_t> count = 0;

 private:
  std::vector<float> delays_us_;
  std::vector<float> waits_us_;
};

/// ForwardStreams of a stored program; each must give its first text at once and end with a prediction. `pieces`
/// outlives the requests.
StartRequest StreamRequests(const Channels& channels, const std::string& program, FirstPieces& pieces);

/// The same answers straight from the provider at "127.0.0.1:PORT", by the least that can read a stream.
absl::StatusOr<StartRequest> DirectRequests(const std::string& target, FirstPieces& pieces);

}  // namespace dspex::bench
