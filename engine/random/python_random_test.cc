#include "engine/random/python_random.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

namespace dspex {
namespace {

// What CPython 3.11 gives.

using Numbers = std::vector<std::size_t>;

TEST(PythonRandomTest, SeedsOfAnySizeAndSign) {
  struct Case {
    std::int64_t seed;
    std::vector<std::uint64_t> words;
    std::uint64_t bits64, bits1, bits40;
    double number;
  };
  const Case cases[] = {
      {0, {3626764237, 1654615998, 3255389356}, 7758176404715800194U, 0, 1061968961082, 0.5112747213686085},
      {1, {577090037, 2444712010, 3639700191}, 14089154938208861744U, 0, 129944532028, 0.49543508709194095},
      {-1, {577090037, 2444712010, 3639700191}, 14089154938208861744U, 0, 129944532028, 0.49543508709194095},
      {-7, {1390851128, 4071050724, 647892279}, 12007621696699967246U, 0, 902254243635, 0.5358820043066892},
      {1LL << 32, {485306839, 1508871100, 1794561286}, 307624781732766930U, 0, 964699997961, 0.8056470212514185},
      {(1LL << 40) + 5,
       {2166296868, 2220160828, 1153647273},
       17077747508935831298U,
       0,
       835504107977,
       0.8179643216302002},
      {std::numeric_limits<std::int64_t>::min(),
       {2377109768, 1691753470, 4039908392},
       4464007219575713352U,
       1,
       553412063771,
       0.08475572881914784},
      {std::numeric_limits<std::int64_t>::max(),
       {1359979423, 2819855560, 2711238091},
       14822959512422950752U,
       0,
       117911729288,
       0.4767927957583785},
      {12345, {1789368711, 3146859322, 43676229}, 15222373233177589868U, 1, 937585518914, 0.3684116894884757},
  };
  for (const Case& c : cases) {
    PythonRandom random(c.seed);
    for (const std::uint64_t word : c.words) EXPECT_EQ(random.GetRandBits(32), word) << c.seed;
    EXPECT_EQ(random.GetRandBits(64), c.bits64) << c.seed;
    EXPECT_EQ(random.GetRandBits(1), c.bits1) << c.seed;
    EXPECT_EQ(random.GetRandBits(40), c.bits40) << c.seed;
    EXPECT_EQ(random.Random(), c.number) << c.seed;
  }
}

TEST(PythonRandomTest, Random) {
  PythonRandom random(0);
  EXPECT_EQ(random.Random(), 0.8444218515250481);
  EXPECT_EQ(random.Random(), 0.7579544029403025);
  EXPECT_EQ(random.Random(), 0.420571580830845);
}

TEST(PythonRandomTest, RandInt) {
  Numbers numbers;
  for (int seed = 0; seed < 10; ++seed) numbers.push_back(static_cast<std::size_t>(PythonRandom(seed).RandInt(1, 4)));
  EXPECT_EQ(numbers, Numbers({4, 2, 1, 2, 2, 3, 1, 3, 2, 4}));
  PythonRandom random(9);
  EXPECT_EQ(random.RandInt(-5, 1LL << 40), 585718914795);
  EXPECT_EQ(random.RandInt(-5, 1LL << 40), 408616915365);
  EXPECT_EQ(random.RandInt(-5, 1LL << 40), 743056980555);
  EXPECT_EQ(random.RandInt(-5, 1LL << 40), 1020066681729);
  EXPECT_EQ(random.RandInt(3, 3), 3);
  EXPECT_EQ(random.RandInt(3, 3), 3);
  EXPECT_EQ(random.Random(), 0.5542704681782861);
}

TEST(PythonRandomTest, Choice) {
  Numbers items(7);
  std::iota(items.begin(), items.end(), std::size_t{0});
  Numbers chosen;
  for (int seed = 0; seed < 10; ++seed) chosen.push_back(PythonRandom(seed).Choice(items));
  EXPECT_EQ(chosen, Numbers({6, 1, 6, 1, 1, 4, 6, 2, 1, 3}));
}

TEST(PythonRandomTest, Shuffle) {
  const auto shuffled = [](std::int64_t seed, std::size_t size) {
    Numbers items(size);
    std::iota(items.begin(), items.end(), std::size_t{0});
    PythonRandom(seed).Shuffle(items);
    return items;
  };
  EXPECT_EQ(shuffled(0, 10), Numbers({7, 8, 1, 5, 3, 4, 2, 0, 9, 6}));
  EXPECT_EQ(shuffled(3, 25),
            Numbers({6, 16, 22, 14, 1, 5, 20, 10, 9, 13, 24, 12, 3, 8, 21, 23, 0, 2, 15, 19, 11, 4, 17, 18, 7}));
  EXPECT_EQ(shuffled(7, 1), Numbers({0}));
  EXPECT_EQ(shuffled(7, 0), Numbers());
}

TEST(PythonRandomTest, SamplesFromAPool) {
  EXPECT_EQ(PythonRandom(0).SampleIndices(20, 5), Numbers({12, 13, 1, 8, 15}));
  EXPECT_EQ(PythonRandom(0).SampleIndices(12, 5), Numbers({6, 11, 0, 4, 7}));
  EXPECT_EQ(PythonRandom(0).SampleIndices(21, 5), Numbers({12, 13, 1, 8, 16}));
  EXPECT_EQ(PythonRandom(1).SampleIndices(85, 6), Numbers({17, 72, 8, 32, 15, 63}));
  EXPECT_EQ(PythonRandom(2).SampleIndices(30, 30), Numbers({27, 29, 1,  2,  26, 11, 5,  21, 9, 8,  19, 6,  28, 23, 13,
                                                            10, 18, 12, 24, 20, 16, 14, 7,  4, 25, 0,  15, 17, 22, 3}));
  EXPECT_EQ(PythonRandom(5).SampleIndices(0, 0), Numbers());
  EXPECT_EQ(PythonRandom(0).Sample(std::vector<char>{'a', 'b', 'c'}, 3).size(), 3);
}

TEST(PythonRandomTest, SamplesFromMany) {
  EXPECT_EQ(PythonRandom(0).SampleIndices(22, 5), Numbers({12, 13, 1, 8, 16}));
  EXPECT_EQ(PythonRandom(1).SampleIndices(86, 6), Numbers({17, 72, 8, 32, 15, 63}));
  EXPECT_EQ(PythonRandom(1).SampleIndices(100, 10), Numbers({17, 72, 97, 8, 32, 15, 63, 57, 60, 83}));
  EXPECT_EQ(PythonRandom(2).SampleIndices(1000, 3), Numbers({978, 883, 970}));
  EXPECT_EQ(PythonRandom(5).SampleIndices(10, 0), Numbers());
}

}  // namespace
}  // namespace dspex
