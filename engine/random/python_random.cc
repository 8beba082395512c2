#include "engine/random/python_random.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <bit>
#include <numeric>

namespace dspex {

namespace {

constexpr std::size_t kShift = 397;

std::uint32_t Twist(std::uint32_t upper, std::uint32_t lower) {
  const std::uint32_t mixed = (upper & 0x80000000U) | (lower & 0x7fffffffU);
  return (mixed >> 1U) ^ ((mixed & 1U) != 0 ? 0x9908b0dfU : 0U);
}

// Up to this size of a population a sample is drawn from a copy of it, above it elements are drawn until they differ.
std::size_t LargestPool(std::size_t count) {
  std::size_t size = 21;
  if (count <= 5) return size;
  std::size_t power = 1;
  while (power < 3 * count) power *= 4;
  return size + power;
}

}  // namespace

PythonRandom::PythonRandom(std::int64_t seed) {
  const std::uint64_t magnitude = seed < 0 ? 0 - static_cast<std::uint64_t>(seed) : static_cast<std::uint64_t>(seed);
  std::vector<std::uint32_t> key{static_cast<std::uint32_t>(magnitude)};
  if (const auto high = static_cast<std::uint32_t>(magnitude >> 32U); high != 0) key.push_back(high);
  SeedByArray(key);
}

void PythonRandom::SeedByOne(std::uint32_t seed) {
  state_[0] = seed;
  for (std::size_t i = 1; i < kSize; ++i) {
    state_[i] = 1812433253U * (state_[i - 1] ^ (state_[i - 1] >> 30U)) + static_cast<std::uint32_t>(i);
  }
}

void PythonRandom::SeedByArray(const std::vector<std::uint32_t>& key) {
  SeedByOne(19650218U);
  std::size_t i = 1;
  std::size_t j = 0;
  const auto advance = [&] {
    if (++i < kSize) return;
    state_[0] = state_[kSize - 1];
    i = 1;
  };
  const auto before = [&] { return state_[i - 1] ^ (state_[i - 1] >> 30U); };
  for (std::size_t k = std::max(kSize, key.size()); k > 0; --k) {
    state_[i] = (state_[i] ^ (before() * 1664525U)) + key[j] + static_cast<std::uint32_t>(j);
    advance();
    j = (j + 1) % key.size();
  }
  for (std::size_t k = kSize - 1; k > 0; --k) {
    state_[i] = (state_[i] ^ (before() * 1566083941U)) - static_cast<std::uint32_t>(i);
    advance();
  }
  state_[0] = 0x80000000U;
}

void PythonRandom::Refill() {
  for (std::size_t i = 0; i < kSize; ++i) {
    state_[i] = state_[(i + kShift) % kSize] ^ Twist(state_[i], state_[(i + 1) % kSize]);
  }
  next_ = 0;
}

std::uint32_t PythonRandom::Next() {
  if (next_ == kSize) Refill();
  std::uint32_t word = state_[next_++];
  word ^= word >> 11U;
  word ^= (word << 7U) & 0x9d2c5680U;
  word ^= (word << 15U) & 0xefc60000U;
  return word ^ (word >> 18U);
}

double PythonRandom::Random() {
  const std::uint32_t high = Next() >> 5U;
  const std::uint32_t low = Next() >> 6U;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

std::uint64_t PythonRandom::GetRandBits(int bits) {
  if (bits <= 0) return 0;
  if (bits <= 32) return Next() >> static_cast<unsigned>(32 - bits);
  // The lower word comes first.
  const std::uint64_t low = Next();
  const std::uint64_t high = Next() >> static_cast<unsigned>(64 - bits);
  return (high << 32U) | low;
}

std::uint64_t PythonRandom::RandBelow(std::uint64_t n) {
  const int bits = std::bit_width(n);
  std::uint64_t number = GetRandBits(bits);
  while (number >= n) number = GetRandBits(bits);
  return number;
}

std::int64_t PythonRandom::RandInt(std::int64_t low, std::int64_t high) {
  const std::uint64_t width = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + RandBelow(width));
}

std::vector<std::size_t> PythonRandom::SampleIndices(std::size_t size, std::size_t count) {
  std::vector<std::size_t> sample;
  sample.reserve(count);
  if (size <= LargestPool(count)) {
    std::vector<std::size_t> pool(size);
    std::iota(pool.begin(), pool.end(), std::size_t{0});
    for (; sample.size() < count; pool.pop_back()) {
      std::size_t& chosen = pool[static_cast<std::size_t>(RandBelow(pool.size()))];
      sample.push_back(chosen);
      chosen = pool.back();
    }
    return sample;
  }
  absl::flat_hash_set<std::size_t> chosen;
  while (sample.size() < count) {
    const auto index = static_cast<std::size_t>(RandBelow(size));
    if (chosen.insert(index).second) sample.push_back(index);
  }
  return sample;
}

}  // namespace dspex
