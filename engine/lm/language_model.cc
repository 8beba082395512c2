#include "engine/lm/language_model.h"

#include <atomic>
#include <utility>

namespace dspex::lm {

namespace {
std::uint64_t NextPrefixId() {
  static std::atomic<std::uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}
}  // namespace

Prefix::Prefix(std::vector<Message> messages, bool reusable)
    : messages_(std::move(messages)), id_(NextPrefixId()), reusable_(reusable), size_(SizeOf(messages_)) {}

}  // namespace dspex::lm
