#include "engine/script/script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/script/script_testing.h"

namespace dspex {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

// What a script returns, as a JSON list; its message if it breaks off.
std::string Eval(std::string source, std::vector<ScriptGlobal> globals = {}, const ScriptLimits& limits = {}) {
  const auto results = RunScript(std::move(source), std::move(globals), limits);
  if (!results.ok()) {
    EXPECT_EQ(results.status().code(), absl::StatusCode::kInvalidArgument) << results.status();
    return std::string(results.status().message());
  }
  return Json(*results).dump();
}

TEST(ScriptTest, ExpressionsAndScripts) {
  EXPECT_EQ(Eval("1 + 1"), "[2]");
  EXPECT_EQ(Eval("1, 'because'"), R"([1,"because"])");
  EXPECT_EQ(Eval("local x = 2\nreturn x > 1"), "[true]");
  EXPECT_EQ(Eval("local x = 2"), "[]");
  EXPECT_EQ(Eval("return nil, 'x'"), R"([null,"x"])");
  EXPECT_EQ(Eval("-- a comment\n7 // 2"), "[3]");
  EXPECT_EQ(Eval("{1, 2, {a = 'x', b = {}}}"), R"([[1,2,{"a":"x","b":[]}]])");
}

TEST(ScriptTest, ValuesComeAsTables) {
  const Json example = Json::parse(R"({"q": "hü", "n": null, "big": 18446744073709551615, "i": 3, "f": 3.0,
                                       "list": [1, null, {"x": false}], "none": []})");
  const std::vector<ScriptGlobal> globals = {{"example", &example}};
  EXPECT_EQ(Eval("example.q, #example.q, utf8.len(example.q)", globals), R"(["hü",3,2])");
  EXPECT_EQ(Eval("example.n == nil, example.nothing == nil", globals), "[true,true]");
  EXPECT_EQ(Eval("example.list[2] == null, #example.list, example.list[3].x", globals), "[true,3,false]");
  EXPECT_EQ(Eval("math.type(example.i), math.type(example.f), math.type(example.big)", globals),
            R"(["integer","float","float"])");
  EXPECT_EQ(Eval("#example.none", globals), "[0]");
  EXPECT_EQ(Eval("example", globals),
            R"([{"big":1.8446744073709552e+19,"f":3.0,"i":3,"list":[1,null,{"x":false}],"none":[],"q":"hü"}])");
}

TEST(ScriptTest, ErrorsSayTheLineAndNoAddress) {
  EXPECT_EQ(Eval("local x\nreturn x.y"), "script:2: attempt to index a nil value (local 'x')");
  EXPECT_EQ(Eval("\n\nerror('no')"), "script:3: no");
  EXPECT_EQ(Eval("error({})"), "script:1: the script raised an error that is a table and no text");
  EXPECT_EQ(Eval("error()"), "script:1: the script raised an error that is a nil and no text");
  EXPECT_EQ(Eval("return (\n"), "script:2: unexpected symbol near <eof>");
  EXPECT_EQ(Eval("\nreturn string.format('%d', 'x')"),
            "script:2: bad argument #2 to 'format' (number expected, got string)");
  EXPECT_EQ(Eval("\nreturn ('x'):find('[')"), "script:2: malformed pattern (missing ']')");
  EXPECT_EQ(Eval("\nlocal s = ('x'):gsub('(', '')"), "script:2: unfinished capture");
  // A tail call leaves no line behind.
  EXPECT_EQ(Eval("\nreturn ('x'):gsub('(', '')"), "unfinished capture");
  EXPECT_EQ(Eval("assert(false, 'that')"), "script:1: that");
  EXPECT_EQ(Eval("'a' .. {}"), "script:1: attempt to concatenate a table value");
  EXPECT_EQ(ScriptErrorLine("script:12: x"), 12);
  EXPECT_EQ(ScriptErrorLine("script"), 0);
}

TEST(ScriptTest, MessagesAreBoundedAndUtf8) {
  const std::string message = Eval("error(('é'):rep(10000))");
  EXPECT_LT(message.size(), 600U);
  EXPECT_NE(Json(message).dump(), "");
  EXPECT_EQ(Eval("error('\\xff')"), "script:1: ");
  EXPECT_EQ(Eval("'\\xff'"), "the script gives a text that is not UTF-8");
}

TEST(ScriptTest, NothingKeepsOfOneRunInTheNext) {
  const auto script = Script::Compile("seen = (seen or 0) + 1; string.x = (string.x or 0) + 1; return seen, string.x");
  ASSERT_TRUE(script.ok());
  for (int i = 0; i < 2; ++i) {
    asio::io_context io;
    std::vector<Json> results;
    asio::co_spawn(io, (*script)->Run({}, kNoDeadline),
                   [&results](const std::exception_ptr&, absl::StatusOr<std::vector<Json>> value) {
                     results = *std::move(value);
                   });
    io.run();
    EXPECT_EQ(Json(results).dump(), "[1,1]");
  }
}

TEST(ScriptTest, WhatIsNotAllowedIsNotThere) {
  for (const char* name : {"io",
                           "os",
                           "debug",
                           "package",
                           "coroutine",
                           "load",
                           "loadstring",
                           "loadfile",
                           "dofile",
                           "require",
                           "pcall",
                           "xpcall",
                           "getmetatable",
                           "setmetatable",
                           "rawget",
                           "rawset",
                           "rawequal",
                           "rawlen",
                           "collectgarbage",
                           "print",
                           "next",
                           "warn",
                           "_G",
                           "string.dump",
                           "string.pack",
                           "string.unpack",
                           "string.packsize",
                           "math.random",
                           "math.randomseed",
                           "('').dump",
                           "('').__index"}) {
    EXPECT_EQ(Eval(std::string(name) + " == nil"), "[true]") << name;
  }
  EXPECT_EQ(Eval("os.time()"), "script:1: attempt to index a nil value (global 'os')");
  EXPECT_THAT(Eval("setmetatable('', {})"), HasSubstr("attempt to call a nil value (global 'setmetatable')"));
  EXPECT_THAT(Eval("pcall(error)"), HasSubstr("(global 'pcall')"));
  EXPECT_EQ(Eval("_ENV = {}; return string"), "[null]");
  // Text has methods, and no arithmetic.
  EXPECT_THAT(Eval("'1' + 1"), HasSubstr("attempt to perform arithmetic on a string value"));
}

TEST(ScriptTest, NoBytecode) {
  // The head of what string.dump gives.
  EXPECT_THAT(Eval("\x1bLua\x54"), HasSubstr("binary chunk"));
}

TEST(ScriptTest, NoAddresses) {
  EXPECT_EQ(Eval("tostring({}), tostring(print), tostring(error), tostring(null), tostring(1.5), tostring(nil)"),
            R"(["table","nil","function","null","1.5","nil"])");
  EXPECT_EQ(Eval("string.format('%s %s %s', {}, error, null)"), R"(["table function null"])");
  EXPECT_EQ(Eval("string.format('%5.2f|%-4s|%q|%%p', 1, 'a', 'b')"), R"([" 1.00|a   |\"b\"|%p"])");
  EXPECT_THAT(Eval("string.format('%p', {})"), HasSubstr("invalid conversion '%p'"));
  EXPECT_THAT(Eval("string.format('%%%-10p', {})"), HasSubstr("invalid conversion '%p'"));
}

TEST(ScriptTest, PairsHaveOneOrder) {
  const std::string walk = " local s = '' for k, v in pairs(t) do s = s .. tostring(k) .. ' ' end return s";
  EXPECT_EQ(Eval("local t = {c = 1, a = 1, b = 1, 10, 20, [true] = 1, [1.5] = 1, [-1] = 1}" + walk),
            R"(["-1 1 1.5 2 a b c true "])");
  EXPECT_EQ(
      Eval("local t = {a = 1, b = 2, c = 3} local n = 0 for k in pairs(t) do t[k] = nil; t.c = nil; n = n + 1 end "
           "return n"),
      "[2]");
  EXPECT_THAT(Eval("for k in pairs({[{}] = 1}) do end"), HasSubstr("pairs: a key is a table"));
  EXPECT_THAT(Eval("pairs(nil)"), HasSubstr("table expected"));
}

TEST(ScriptTest, Sort) {
  const std::string shown = " return table.concat(t, ' ')";
  EXPECT_EQ(Eval("local t = {3, 1.5, -2, 10} table.sort(t)" + shown), R"(["-2 1.5 3 10"])");
  EXPECT_EQ(Eval("local t = {'b', 'a', 'B', ''} table.sort(t)" + shown), R"([" B a b"])");
  EXPECT_EQ(Eval("local t = {5, 3, 9, 1, 7, 2} table.sort(t, function(a, b) return a > b end)" + shown),
            R"(["9 7 5 3 2 1"])");
  EXPECT_EQ(Eval("local t = {'bb', 'a', 'cc', 'd'} table.sort(t, function(a, b) return #a < #b end)" + shown),
            R"(["a d bb cc"])");
  EXPECT_EQ(Eval("local t = {} table.sort(t) table.sort(t, function() return true end) return #t"), "[0]");
  EXPECT_THAT(Eval("table.sort({1, 'a'})"), HasSubstr("attempt to compare string with number"));
  EXPECT_THAT(Eval("table.sort({{}, {}})"), HasSubstr("attempt to compare two table values"));
  EXPECT_THAT(Eval("table.sort({0/0, 1})"), HasSubstr("NaN"));
  EXPECT_THAT(Eval("\ntable.sort({1, 2}, 3) return 1"), HasSubstr("script:2: bad argument #2 to 'sort'"));
  // An order that is none ends, too.
  EXPECT_EQ(Eval("local t = {1, 2, 3, 4, 5} table.sort(t, function() return true end) return #t"), "[5]");
}

TEST(ScriptTest, LongTextsAreReplacedWhole) {
  EXPECT_EQ(Eval("local s, n = ('word '):rep(100000):gsub('%S+', 'is') return #s, n, s:sub(-6)"),
            R"([300000,100000,"is is "])");
}

TEST(ScriptTest, OurFunctions) {
  const ScriptFunction join{"join", [](const std::vector<Json>& arguments) -> absl::StatusOr<Json> {
                              if (arguments.size() != 2) return absl::InvalidArgumentError("takes two");
                              return Json{{"a", arguments[0]}, {"b", arguments[1]}};
                            }};
  const auto results = RunScript("join({1, 2}, 'x').a[2]", {}, {}, {join});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ(results->front(), 2);
  EXPECT_EQ(RunScript("\njoin()", {}, {}, {join}).status().message(), "script:2: join: takes two");
  EXPECT_THAT(std::string(RunScript("join(error, 1)", {}, {}, {join}).status().message()),
              HasSubstr("gives a function for a value"));
}

// What would take for ever, or all memory.
class EndlessTest : public ::testing::TestWithParam<const char*> {};

TEST_P(EndlessTest, Ends) {
  EXPECT_THAT(
      Eval(GetParam(), {}, {.steps = 200'000, .memory = std::size_t{4} << 20, .block = std::size_t{1} << 20}),
      AnyOf(HasSubstr("took more than 200000 steps"), HasSubstr("needs more memory"), HasSubstr("too large"),
            HasSubstr("stack overflow"), HasSubstr("too many results"), HasSubstr("overflow"), HasSubstr("too many")));
}

INSTANTIATE_TEST_SUITE_P(
    Loops, EndlessTest,
    ::testing::Values("while true do end", "repeat until false", "::a:: goto a", "for i = 1, math.huge do end",
                      "local function f() return f() end return f()",
                      "local function f() return 1 + f() end return f()", "local t = {} for i = 1, 1e9 do t[i] = i end",
                      "local t = {} while true do t = {t} end",
                      "for w in ('x'):rep(1e5):gmatch('') do while true do end end",
                      "('x'):rep(1e5):gsub('x', function() while true do end end)",
                      "table.sort({3, 2, 1}, function() while true do end end)",
                      "local t = {} for i = 1, 1e5 do t[i] = -i end while true do table.sort(t) end",
                      "while true do pairs({1, 2, 3}) end"));

INSTANTIATE_TEST_SUITE_P(
    Texts, EndlessTest,
    ::testing::Values("string.rep('x', 1e9)", "('x'):rep(1e18)", "string.rep('', 1e18, '') .. string.rep('x', 1 << 40)",
                      "local s = 'x' while true do s = s .. s end",
                      "local s = ('x'):rep(500000) while true do local t = s .. 'y' end",
                      "local t = {} for i = 1, 100000 do t[i] = ('x'):rep(1000) end return table.concat(t)",
                      "string.rep('x', 1 << 62, 'yyyy')", "string.format('%99.99f', 1e308):rep(100000)",
                      "local s = ('x'):rep(900000) while true do s:upper() end",
                      "('x'):rep(100000):gsub('', ('y'):rep(1000))",
                      "while true do string.format('%s', ('x'):rep(100000)) end",
                      "string.char(table.unpack(table.pack(('x'):rep(900000):byte(1, -1))))"));

INSTANTIATE_TEST_SUITE_P(Tables, EndlessTest,
                         ::testing::Values("table.move({}, 1, 1e15, 2)", "table.move({}, 1, math.maxinteger - 1, 2)",
                                           "table.unpack({}, 1, 1e8)", "table.unpack({}, 1, 1e6)",
                                           "local t = {} while true do table.insert(t, 1, 1) end",
                                           "select('#', table.unpack({}, 1, 999999))"));

TEST(ScriptTest, ATableWithHolesHasNoEndlessLength) {
  // Lua looks for a length by doubling, so this table is very long.
  const std::string table =
      "local t = {1, 1, 1, 1} for i = 1, 65 do t['k' .. i] = 1 end t[5] = 1 for i = 3, 62 do t[1 << i] = 1 end ";
  EXPECT_EQ(Eval(table + "return #t > 1e15"), "[true]");
  const ScriptLimits limits{.steps = 200'000};
  for (const char* call : {"table.insert(t, 1, 1)", "table.remove(t, 1)", "table.sort(t)", "table.concat(t)",
                           "table.sort(t, function(a, b) return a < b end)", "t"}) {
    const std::string said = Eval(table + "return " + call, {}, limits);
    EXPECT_THAT(said, Not(MatchesRegex("\\[.*"))) << call;
  }
}

TEST(ScriptTest, PatternsThatExplodeElsewhereDoNotHere) {
  // A backtracking matcher takes 2^30 steps here and more.
  EXPECT_EQ(Eval("('a'):rep(30000):find(('a*'):rep(30) .. 'b')"), "[null]");
  EXPECT_EQ(Eval("('a'):rep(3000):match('.-.-.-.-.-.-.-.-b')"), "[null]");
  EXPECT_THAT(Eval("('a'):rep(1000000):match(('.-a'):rep(100) .. 'b')"), HasSubstr("too large for a text"));
  EXPECT_THAT(Eval("('a'):match(('a'):rep(2000))"), HasSubstr("longer than 1000 bytes"));
  EXPECT_THAT(Eval("for i = 1, 1e9 do ('a'):match('a' .. i) end", {}, {.steps = 200'000}), HasSubstr("steps"));
}

TEST(ScriptTest, DeepNestingIsRefused) {
  EXPECT_THAT(Eval(std::string(30'000, '(') + "1" + std::string(30'000, ')')),
              AnyOf(HasSubstr("overflow"), HasSubstr("levels"), HasSubstr("too many")));
  EXPECT_THAT(Eval("return " + std::string(20'000, '{')), AnyOf(HasSubstr("overflow"), HasSubstr("levels")));
  EXPECT_THAT(Eval("local t = {} t[1] = t return t"), HasSubstr("nested too deep"));
  EXPECT_THAT(Eval("local t = {} for i = 1, 40 do t = {t, t} end return t"), HasSubstr("too large"));
  EXPECT_THAT(Eval("local s = ('x'):rep(1e6) local t = {} for i = 1, 1e5 do t[i] = s end return t"),
              HasSubstr("too large"));
  EXPECT_THAT(Eval(std::string(kMaxScriptBytes + 1, ' ')), HasSubstr("bytes, and may have"));
}

TEST(ScriptTest, InputsThatDoNotFitAreRefused) {
  const Json text{{"text", std::string(std::size_t{3} << 20, 'x')}};
  EXPECT_THAT(Eval("1", {{"example", &text}}), HasSubstr("needs more memory"));
  Json deep = 1;
  for (int i = 0; i < 90; ++i) deep = Json::array({std::move(deep)});
  EXPECT_EQ(Eval("#example", {{"example", &deep}}), "[1]");
}

TEST(ScriptTest, TimeIsLimited) {
  EXPECT_THAT(Eval("while true do end", {}, {.steps = std::int64_t{1} << 60, .time = std::chrono::milliseconds(0)}),
              HasSubstr("ran for more than 0 ms"));
}

TEST(ScriptTest, GivesWayAndHeedsTheDeadline) {
  const auto script = Script::Compile("while true do end", {}, {.steps = std::int64_t{1} << 60});
  ASSERT_TRUE(script.ok());
  asio::io_context io;
  absl::Status status;
  int others = 0;
  // Another piece of work of the executor, which comes to run between the script's slices.
  std::function<void()> other = [&] {
    if (!status.ok()) return;
    ++others;
    asio::post(io, other);
  };
  asio::post(io, other);
  asio::co_spawn(
      io, (*script)->Run({}, Clock::now() + std::chrono::milliseconds(20)),
      [&status](const std::exception_ptr&, absl::StatusOr<std::vector<Json>> value) { status = value.status(); });
  io.run();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ErrorMetadata(status, "where"), "script");
  EXPECT_GE(others, 2);
}

}  // namespace
}  // namespace dspex
