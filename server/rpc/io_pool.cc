#include "server/rpc/io_pool.h"

#include <pthread.h>

#include <algorithm>
#include <string>

namespace dspex {

IoPool::IoPool(int threads) {
  for (int i = 0; i < std::max(threads, 1); ++i) {
    auto& thread = *threads_.emplace_back(std::make_unique<Thread>());
    thread.thread = std::thread([&thread] { thread.context.run(); });
    pthread_setname_np(thread.thread.native_handle(), ("io-" + std::to_string(i)).c_str());
  }
}

IoPool::~IoPool() { Stop(); }

IoPool::Executor IoPool::Next() {
  const unsigned index = next_.fetch_add(1, std::memory_order_relaxed) % threads_.size();
  return threads_[index]->context.get_executor();
}

void IoPool::Stop() {
  for (auto& thread : threads_) {
    thread->work.reset();
    thread->context.stop();
  }
  for (auto& thread : threads_) {
    if (thread->thread.joinable()) thread->thread.join();
  }
}

}  // namespace dspex
