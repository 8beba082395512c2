#include "engine/json/python_format.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace dspex {
namespace {

struct FloatVector {
  std::uint64_t bits;
  const char* repr;
};

// What Python's repr gives.
constexpr FloatVector kFloats[] = {
    {0x0000000000000000ULL, "0.0"},
    {0x8000000000000000ULL, "-0.0"},
    {0x3ff0000000000000ULL, "1.0"},
    {0xbff8000000000000ULL, "-1.5"},
    {0x3fb999999999999aULL, "0.1"},
    {0x4480f0cf064dd592ULL, "1e+22"},
    {0x444b1ae4d6e2ef50ULL, "1e+21"},
    {0x4341c37937e08000ULL, "1e+16"},
    {0x430c6bf526340000ULL, "1000000000000000.0"},
    {0x4341c37937e07fffULL, "9999999999999998.0"},
    {0x437b69b4ba630f35ULL, "1.2345678901234568e+17"},
    {0x3f1a36e2eb1c432dULL, "0.0001"},
    {0x3ee4f8b588e368f1ULL, "1e-05"},
    {0x3f202e4b6ce5dc68ULL, "0.00012345"},
    {0x7e41eb2d66005835ULL, "1.5e+300"},
    {0x0000000000000001ULL, "5e-324"},
    {0x7fefffffffffffffULL, "1.7976931348623157e+308"},
    {0x0010000000000000ULL, "2.2250738585072014e-308"},
    {0x4059000000000000ULL, "100.0"},
    {0x3fd3333333333333ULL, "0.3"},
    {0x3fd5555555555555ULL, "0.3333333333333333"},
    {0x4340000000000000ULL, "9007199254740992.0"},
    {0x40fe240c9fbe76c9ULL, "123456.789"},
    {0x54b249ad2594c37dULL, "1e+100"},
    {0xbe7ad7f29abcaf48ULL, "-1e-07"},
    {0x4164d8399f767c45ULL, "10928588.983213553"},
    {0x5bc8fbbcbde5c099ULL, "1.4186613525849614e+134"},
    {0xb0c11fdecb91ce37ULL, "-7.571968556055867e-74"},
    {0xd76d4330f1446beaULL, "-1.4074705188261364e+113"},
    {0xa6eb8c9ebd69fe29ULL, "-3.3339745473042614e-121"},
    {0x87b0b125ec1d7da0ULL, "-1.2342180766211395e-271"},
    {0xd7210dff076ce2efULL, "-5.126864004244935e+111"},
    {0xc6a5387777330bdbULL, "-2.1520217579844227e+32"},
    {0x3fc1ea36f17fd374ULL, "0.1399601630397701"},
    {0x0d464138a6233255ULL, "1.01853664031722e-244"},
    {0x2827688de6a16a3bULL, "2.9704598186234577e-115"},
    {0x5f2dd97f1cfb10f6ULL, "3.0534183338726823e+150"},
    {0xde5271007814e8a2ULL, "-2.3027782228163463e+146"},
    {0x617959ce3f1f65a8ULL, "3.56409621163656e+161"},
    {0x1a1afe878b33e968ULL, "6.352929017207453e-183"},
    {0x3fd4235992edcf45ULL, "0.3146575865605324"},
    {0xbb2edb20035b7399ULL, "-1.2761724801771812e-23"},
    {0x687c966c377b9aa2ULL, "2.0868668176225336e+195"},
    {0x2e9c82b1478c281dULL, "3.66898827745704e-84"},
    {0xde11cc9dea959c21ULL, "-1.389122273370197e+145"},
    {0x63b229f1c4069545ULL, "1.7548715433165102e+172"},
    {0xc30d8b7628dbd25eULL, "-1039514241563211.8"},
    {0x126a1e48cc11d357ULL, "5.7804021771411506e-220"},
    {0x9e30691c238642eaULL, "-2.8497478716107576e-163"},
    {0x71e0c07e9e115e4bULL, "3.490691392124745e+240"},
    {0xc087580000000000ULL, "-747.0"},
    {0x408d880000000000ULL, "945.0"},
    {0xc08228b22d0e5604ULL, "-581.087"},
    {0x408cc20000000000ULL, "920.25"},
    {0x4087468624dd2f1bULL, "744.8155"},
    {0xc0774b26e978d4feULL, "-372.697"},
    {0x40539c9ba5e353f8ULL, "78.447"},
    {0xc083e54dd2f1a9fcULL, "-636.663"},
    {0x408d29076c8b4396ULL, "933.128625"},
    {0xc07926c154c985f0ULL, "-402.4222"},
    {0xc06546147ae147aeULL, "-170.19"},
    {0xc07d86049667b5f2ULL, "-472.37612"},
    {0xc078d4823f1a60eeULL, "-397.281798461"},
    {0x4065890a611b341fULL, "172.282517007"},
    {0x40763de560418937ULL, "355.8685"},
};

double FromBits(std::uint64_t bits) {
  double value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

TEST(PythonFloat, IsPythonsRepr) {
  for (const FloatVector& test : kFloats) EXPECT_EQ(PythonStr(FromBits(test.bits)), test.repr);
}

TEST(PythonFloat, ReadsBackAsTheSameNumber) {
  constexpr unsigned kSeed = 11;
  SCOPED_TRACE(kSeed);
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 100'000; ++round) {
    const double value = FromBits(random());
    if (!std::isfinite(value)) continue;
    const std::string text = PythonStr(value);
    ASSERT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
    ASSERT_TRUE(text.find_first_of(".e") != std::string::npos) << text;
  }
}

TEST(PythonStr, Scalars) {
  EXPECT_EQ(PythonStr(nullptr), "None");
  EXPECT_EQ(PythonStr(true), "True");
  EXPECT_EQ(PythonStr(false), "False");
  EXPECT_EQ(PythonStr(-5), "-5");
  EXPECT_EQ(PythonStr(UINT64_MAX), "18446744073709551615");
  EXPECT_EQ(PythonStr("a\"b\né"), "a\"b\né");
  EXPECT_EQ(PythonStr(std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(PythonStr(-std::numeric_limits<double>::infinity()), "-inf");
}

TEST(PythonJsonDumps, LooksAsPythonWritesIt) {
  const Json value =
      Json::parse(R"({"a": [1, 2.0, 1e22, "x\"\u00e9\n\u0001"], "b": {}, "c": [], "d": {"e": null, "f": true}})");
  EXPECT_EQ(PythonJsonDumps(value),
            R"({"a": [1, 2.0, 1e+22, "x\"é\n\u0001"], "b": {}, "c": [], "d": {"e": null, "f": true}})");
  EXPECT_EQ(PythonStr(value), PythonJsonDumps(value));
  EXPECT_EQ(PythonJsonDumps("a"), "\"a\"");
}

TEST(PythonJsonDumps, NotANumberIsNull) {
  const Json value = {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()};
  EXPECT_EQ(PythonJsonDumps(value), "[null, null]");
}

}  // namespace
}  // namespace dspex
