#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dspex {

/// A set of positions below a fixed size that finds its next member in time logarithmic to base 64: a bit a position,
/// and above each 64 words a word that says which of them have bits.
class PositionSet {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  explicit PositionSet(std::size_t size = 0) {
    std::size_t words = size;
    do {
      words = (words + kBits - 1) / kBits;
      levels_.emplace_back(words);
    } while (words > 1);
  }

  void Insert(std::size_t position) {
    for (Level& level : levels_) {
      level[position / kBits] |= Bit(position);
      position /= kBits;
    }
  }

  void Erase(std::size_t position) {
    for (Level& level : levels_) {
      level[position / kBits] &= ~Bit(position);
      if (level[position / kBits] != 0) return;
      position /= kBits;
    }
  }

  /// The first member that is no less than `position`, or kNone.
  std::size_t NextFrom(std::size_t position) const {
    for (std::size_t height = 0; height < levels_.size(); ++height) {
      const std::size_t word = position / kBits;
      if (word >= levels_[height].size()) return kNone;
      const std::uint64_t bits = levels_[height][word] & ~(Bit(position) - 1);
      if (bits != 0) return Descend(height, word * kBits + LowestBit(bits));
      position = word + 1;
    }
    return kNone;
  }

 private:
  using Level = std::vector<std::uint64_t>;
  static constexpr std::size_t kBits = 64;

  static std::uint64_t Bit(std::size_t position) { return std::uint64_t{1} << position % kBits; }
  static std::size_t LowestBit(std::uint64_t bits) { return static_cast<std::size_t>(std::countr_zero(bits)); }

  std::size_t Descend(std::size_t height, std::size_t position) const {
    while (height > 0) position = position * kBits + LowestBit(levels_[--height][position]);
    return position;
  }

  std::vector<Level> levels_;
};

}  // namespace dspex
