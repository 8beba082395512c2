#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace dspex {

/// The numbers of CPython's random.Random, so that a seed chooses here what it chooses there: the Mersenne Twister
/// MT19937 and how 3.11 makes integers, orders and samples of it. Not for secrets. Not thread-safe.
class PythonRandom {
 public:
  /// As random.Random(seed): a seed and its negative are the same.
  explicit PythonRandom(std::int64_t seed);

  /// In [0, 1), of 53 bits.
  double Random();
  /// A number of `bits` random bits; `bits` is at most 64.
  std::uint64_t GetRandBits(int bits);
  /// In [0, n); `n` is above 0.
  std::uint64_t RandBelow(std::uint64_t n);
  /// In [low, high], both included; `low` <= `high`, and there are less than 2^64 numbers between them.
  std::int64_t RandInt(std::int64_t low, std::int64_t high);

  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i-- > 1;) std::swap(items[i], items[static_cast<std::size_t>(RandBelow(i + 1))]);
  }

  /// The places of `count` different elements of `size`, in the order in which they are chosen; `count` <= `size`.
  /// Memory grows with `count` only.
  std::vector<std::size_t> SampleIndices(std::size_t size, std::size_t count);

  template <typename T>
  std::vector<T> Sample(const std::vector<T>& items, std::size_t count) {
    std::vector<T> sample;
    sample.reserve(count);
    for (const std::size_t index : SampleIndices(items.size(), count)) sample.push_back(items[index]);
    return sample;
  }

  /// An element of `items`, which is not empty.
  template <typename T>
  const T& Choice(const std::vector<T>& items) {
    return items[static_cast<std::size_t>(RandBelow(items.size()))];
  }

 private:
  static constexpr std::size_t kSize = 624;

  void SeedByOne(std::uint32_t seed);
  void SeedByArray(const std::vector<std::uint32_t>& key);
  void Refill();
  std::uint32_t Next();

  std::array<std::uint32_t, kSize> state_{};
  std::size_t next_ = kSize;
};

}  // namespace dspex
