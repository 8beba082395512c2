#pragma once

#include <cstdint>
#include <vector>

namespace dspex {

/// The numbers from 0 to `count` - 1 as Python's random.Random(seed).shuffle(list(range(count))) leaves them. `count`
/// fits 31 bits.
std::vector<std::int32_t> ShuffledOrder(std::int64_t seed, std::int64_t count);

/// How many of `count` each of these shares gets, all of them together: shares rounded down, and what is left one each
/// to the largest remainders, of equal ones to the first. Weights are finite and above 0; `count` is below 2^53.
std::vector<std::int64_t> SplitSizes(const std::vector<double>& weights, std::int64_t count);

}  // namespace dspex
