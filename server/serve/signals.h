#pragma once

#include <atomic>
#include <chrono>
#include <optional>

namespace dspex {

/// Turns SIGTERM and SIGINT, and events from the program's own threads, into something the main thread can wait for.
/// Made before any other thread, so that all of them inherit the blocked signals. One instance in a process.
class Signals {
 public:
  Signals();
  ~Signals();

  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  enum class Woken { kSignal, kEvent, kTimeout };

  /// Blocks until a signal arrives, Notify was called, or the time is over (none: never).
  Woken Wait(std::optional<std::chrono::milliseconds> timeout);

  /// Makes one Wait return kEvent. Thread-safe.
  void Notify();

 private:
  int signal_fd_;
  int event_fd_;
};

}  // namespace dspex
