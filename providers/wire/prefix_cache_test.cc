#include "providers/wire/prefix_cache.h"

#include <gtest/gtest.h>

namespace dspex {
namespace {

// Asks for a prefix of `size` bytes; whether it had to be encoded.
bool Encodes(PrefixCache& cache, const lm::Prefix& prefix, std::uint64_t encoder, std::size_t size = 1000) {
  bool encoded = false;
  const auto text = cache.Get(prefix, encoder, [&] {
    encoded = true;
    return std::string(size, 'x');
  });
  EXPECT_EQ(text->size(), size);
  return encoded;
}

TEST(PrefixCacheTest, EncodesOnceForEachEncoder) {
  PrefixCache cache(100'000);
  const lm::Prefix prefix({});
  const std::uint64_t one = cache.NewEncoder();
  const std::uint64_t two = cache.NewEncoder();
  EXPECT_TRUE(Encodes(cache, prefix, one));
  EXPECT_FALSE(Encodes(cache, prefix, one));
  EXPECT_TRUE(Encodes(cache, prefix, two));
  EXPECT_FALSE(Encodes(cache, prefix, one));
}

TEST(PrefixCacheTest, KeepsNothingOfAPrefixUsedOnce) {
  PrefixCache cache(100'000);
  const lm::Prefix prefix({}, /*reusable=*/false);
  EXPECT_TRUE(Encodes(cache, prefix, 1));
  EXPECT_TRUE(Encodes(cache, prefix, 1));
  EXPECT_EQ(cache.size_bytes(), 0u);
}

TEST(PrefixCacheTest, DropsWhatWasNotUsedForLongest) {
  PrefixCache cache(2 * 1300);
  const lm::Prefix a({});
  const lm::Prefix b({});
  const lm::Prefix c({});
  Encodes(cache, a, 1);
  Encodes(cache, b, 1);
  EXPECT_FALSE(Encodes(cache, a, 1));
  Encodes(cache, c, 1);
  EXPECT_FALSE(Encodes(cache, a, 1));
  EXPECT_FALSE(Encodes(cache, c, 1));
  EXPECT_TRUE(Encodes(cache, b, 1));
  EXPECT_LE(cache.size_bytes(), 2u * 1300);
}

TEST(PrefixCacheTest, LargerThanTheCache) {
  PrefixCache cache(1300);
  const lm::Prefix small({});
  const lm::Prefix large({});
  Encodes(cache, small, 1);
  EXPECT_TRUE(Encodes(cache, large, 1, 5000));
  EXPECT_TRUE(Encodes(cache, large, 1, 5000));
  EXPECT_FALSE(Encodes(cache, small, 1));
}

}  // namespace
}  // namespace dspex
