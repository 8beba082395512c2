#include "server/serve/signals.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>

namespace dspex {

Signals::Signals() : event_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal_fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  // A reader of our output or a peer that goes away is an error of that write, not the end of the process.
  ::signal(SIGPIPE, SIG_IGN);
}

Signals::~Signals() {
  ::close(signal_fd_);
  ::close(event_fd_);
}

Signals::Woken Signals::Wait(std::optional<std::chrono::milliseconds> timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout.value_or(std::chrono::milliseconds(0));
  pollfd fds[] = {{signal_fd_, POLLIN, 0}, {event_fd_, POLLIN, 0}};
  for (;;) {
    int wait_ms = -1;
    if (timeout.has_value()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      wait_ms = static_cast<int>(std::clamp<long long>(left.count(), 0, INT_MAX));
    }
    const int ready = ::poll(fds, 2, wait_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return Woken::kTimeout;
    if ((fds[0].revents & POLLIN) != 0) {
      signalfd_siginfo info;
      if (::read(signal_fd_, &info, sizeof(info)) == sizeof(info)) return Woken::kSignal;
    }
    if ((fds[1].revents & POLLIN) != 0) {
      std::uint64_t count;
      if (::read(event_fd_, &count, sizeof(count)) == sizeof(count)) return Woken::kEvent;
    }
  }
}

void Signals::Notify() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then Wait returns anyway.
  if (::write(event_fd_, &one, sizeof(one)) < 0) return;
}

}  // namespace dspex
