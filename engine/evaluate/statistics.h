#pragma once

#include <vector>

namespace dspex {

/// A range that holds the true value with 95 % confidence.
struct ConfidenceInterval {
  double low = 0;
  double high = 0;
};

/// Of the mean of the values: by the percentile bootstrap (Efron, 1979) with a fixed seed, so that the same values give
/// the same interval; from 2,000 values on by the normal approximation. A point for one value. `values` is not empty.
/// Takes up to some tens of milliseconds.
ConfidenceInterval MeanInterval(const std::vector<double>& values);

/// The probability that the mean of paired differences is as far from zero as it is, or farther, if signs are chance:
/// by a sign-flip permutation test (Fisher, 1935), all flips up to 16 differences that are not zero, else 10,000 random
/// ones with a fixed seed; from 2,000 differences on by the normal approximation. 1 for no differences.
double PermutationPValue(const std::vector<double>& differences);

/// Of the values, with n - 1; 0 for fewer than two.
double StandardDeviation(const std::vector<double>& values);

}  // namespace dspex
