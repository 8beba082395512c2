#include "engine/dataset/splits.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "engine/random/python_random.h"

namespace dspex {

std::vector<std::int32_t> ShuffledOrder(std::int64_t seed, std::int64_t count) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  PythonRandom(seed).Shuffle(order);
  return order;
}

std::vector<std::int64_t> SplitSizes(const std::vector<double>& weights, std::int64_t count) {
  // Shares are of the largest weight first, so that no sum of weights overflows.
  const double largest = *std::max_element(weights.begin(), weights.end());
  double total = 0;
  for (const double weight : weights) total += weight / largest;
  std::vector<std::int64_t> sizes;
  std::vector<double> remainders;
  std::int64_t left = count;
  for (const double weight : weights) {
    const double share = static_cast<double>(count) * (weight / largest) / total;
    // A rounding error must not lose the example that makes a share whole: 0.1 of 10 is 1.
    const double whole = std::min(static_cast<double>(left), std::floor(share + 1e-6));
    sizes.push_back(static_cast<std::int64_t>(whole));
    remainders.push_back(share - whole);
    left -= sizes.back();
  }
  std::vector<std::size_t> by_remainder(weights.size());
  std::iota(by_remainder.begin(), by_remainder.end(), std::size_t{0});
  // What differs by rounding errors only is equal.
  const auto rounded = [&remainders](std::size_t i) { return std::llround(remainders[i] * 1e6); };
  std::sort(by_remainder.begin(), by_remainder.end(), [&rounded](std::size_t a, std::size_t b) {
    return rounded(a) != rounded(b) ? rounded(a) > rounded(b) : a < b;
  });
  for (std::size_t i = 0; left > 0; ++i, --left) ++sizes[by_remainder[i % by_remainder.size()]];
  return sizes;
}

}  // namespace dspex
