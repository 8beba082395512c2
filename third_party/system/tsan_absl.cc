// Tells ThreadSanitizer what abseil's locks order. The system's abseil is built without it, so TSan sees no lock and
// would report every variable that one guards. Linked into --config=tsan builds only, with `-Wl,--wrap` for each
// function below: calls of ours come here; the system's libraries, which TSan does not watch, keep the originals.
//
// Waits for a condition poll. The originals let the thread that unlocks look at the condition of the one that waits,
// which TSan would take for a race.

#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <sanitizer/tsan_interface.h>

using absl::Condition;
using absl::CondVar;
using absl::Duration;
using absl::Mutex;
using absl::Notification;
using absl::Time;

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names.
#define DSPEX_REAL(name) __real__ZN4absl7debian3##name
#define DSPEX_WRAP(name) __wrap__ZN4absl7debian3##name

extern "C" {

void DSPEX_REAL(5Mutex4LockEv)(Mutex*);
bool DSPEX_REAL(5Mutex7TryLockEv)(Mutex*);
void DSPEX_REAL(5Mutex6UnlockEv)(Mutex*);
void DSPEX_REAL(5Mutex10ReaderLockEv)(Mutex*);
void DSPEX_REAL(5Mutex12ReaderUnlockEv)(Mutex*);
void DSPEX_REAL(7CondVar4WaitEPNS0_5MutexE)(CondVar*, Mutex*);
bool DSPEX_REAL(7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE)(CondVar*, Mutex*, Duration);
bool DSPEX_REAL(7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE)(CondVar*, Mutex*, Time);
void DSPEX_REAL(12Notification6NotifyEv)(Notification*);

void DSPEX_WRAP(5Mutex4LockEv)(Mutex* mutex) {
  DSPEX_REAL(5Mutex4LockEv)(mutex);
  __tsan_acquire(mutex);
}

bool DSPEX_WRAP(5Mutex7TryLockEv)(Mutex* mutex) {
  const bool locked = DSPEX_REAL(5Mutex7TryLockEv)(mutex);
  if (locked) __tsan_acquire(mutex);
  return locked;
}

void DSPEX_WRAP(5Mutex6UnlockEv)(Mutex* mutex) {
  __tsan_release(mutex);
  DSPEX_REAL(5Mutex6UnlockEv)(mutex);
}

void DSPEX_WRAP(5Mutex10ReaderLockEv)(Mutex* mutex) {
  DSPEX_REAL(5Mutex10ReaderLockEv)(mutex);
  __tsan_acquire(mutex);
}

void DSPEX_WRAP(5Mutex12ReaderUnlockEv)(Mutex* mutex) {
  __tsan_release(mutex);
  DSPEX_REAL(5Mutex12ReaderUnlockEv)(mutex);
}

bool DSPEX_WRAP(5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE)(Mutex* mutex, const Condition& condition,
                                                                       Time deadline) {
  while (!condition.Eval()) {
    if (absl::Now() >= deadline) return false;
    DSPEX_WRAP(5Mutex6UnlockEv)(mutex);
    absl::SleepFor(absl::Microseconds(200));
    DSPEX_WRAP(5Mutex4LockEv)(mutex);
  }
  return true;
}

bool DSPEX_WRAP(5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE)(Mutex* mutex, const Condition& condition,
                                                                          Duration timeout) {
  return DSPEX_WRAP(5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE)(mutex, condition, absl::Now() + timeout);
}

void DSPEX_WRAP(5Mutex5AwaitERKNS0_9ConditionE)(Mutex* mutex, const Condition& condition) {
  DSPEX_WRAP(5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE)(mutex, condition, absl::InfiniteFuture());
}

void DSPEX_WRAP(5Mutex8LockWhenERKNS0_9ConditionE)(Mutex* mutex, const Condition& condition) {
  DSPEX_WRAP(5Mutex4LockEv)(mutex);
  DSPEX_WRAP(5Mutex5AwaitERKNS0_9ConditionE)(mutex, condition);
}

bool DSPEX_WRAP(5Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE)(Mutex* mutex, const Condition& condition,
                                                                          Time deadline) {
  DSPEX_WRAP(5Mutex4LockEv)(mutex);
  return DSPEX_WRAP(5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE)(mutex, condition, deadline);
}

bool DSPEX_WRAP(5Mutex19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE)(Mutex* mutex, const Condition& condition,
                                                                             Duration timeout) {
  DSPEX_WRAP(5Mutex4LockEv)(mutex);
  return DSPEX_WRAP(5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE)(mutex, condition, timeout);
}

void DSPEX_WRAP(7CondVar4WaitEPNS0_5MutexE)(CondVar* condition, Mutex* mutex) {
  __tsan_release(mutex);
  DSPEX_REAL(7CondVar4WaitEPNS0_5MutexE)(condition, mutex);
  __tsan_acquire(mutex);
}

bool DSPEX_WRAP(7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE)(CondVar* condition, Mutex* mutex,
                                                                      Duration timeout) {
  __tsan_release(mutex);
  const bool expired = DSPEX_REAL(7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE)(condition, mutex, timeout);
  __tsan_acquire(mutex);
  return expired;
}

bool DSPEX_WRAP(7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE)(CondVar* condition, Mutex* mutex, Time deadline) {
  __tsan_release(mutex);
  const bool expired = DSPEX_REAL(7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE)(condition, mutex, deadline);
  __tsan_acquire(mutex);
  return expired;
}

void DSPEX_WRAP(12Notification6NotifyEv)(Notification* notification) {
  __tsan_release(notification);
  DSPEX_REAL(12Notification6NotifyEv)(notification);
}

void __real__ZNK4absl7debian312Notification19WaitForNotificationEv(const Notification*);

void __wrap__ZNK4absl7debian312Notification19WaitForNotificationEv(const Notification* notification) {
  __real__ZNK4absl7debian312Notification19WaitForNotificationEv(notification);
  __tsan_acquire(const_cast<Notification*>(notification));
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
