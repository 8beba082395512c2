#include "engine/script/pattern.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lua5.4/lua.hpp>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "engine/script/script_testing.h"

namespace dspex {
namespace {

using ::testing::HasSubstr;

// Lua's own library, which is what ours is held to.
class Lua {
 public:
  Lua() : state_(luaL_newstate()) { luaL_openlibs(state_); }
  ~Lua() { lua_close(state_); }
  Lua(const Lua&) = delete;
  Lua& operator=(const Lua&) = delete;

  // The text that the script returns; "error" if it raises one.
  std::string Run(const std::string& script) {
    std::string result = "error";
    if (luaL_dostring(state_, script.c_str()) == 0) result = lua_tostring(state_, -1);
    lua_settop(state_, 0);
    return result;
  }

 private:
  lua_State* state_;
};

// Runs every function of patterns and puts what they give into a text.
std::string Script(const std::string& text, const std::string& pattern, const std::string& with) {
  return absl::StrCat("local s, p, w = \"", text, "\", \"", pattern, "\", \"", with, R"("
    local out = {}
    local function ascii(v)
      local shown = {}
      for i = 1, #v do shown[i] = v:byte(i) > 127 and '<' .. v:byte(i) .. '>' or v:sub(i, i) end
      return table.concat(shown)
    end
    local function put(...)
      for i = 1, select('#', ...) do out[#out + 1] = ascii(tostring((select(i, ...)))) end
      out[#out + 1] = ';'
    end
    put(s:find(p)) put(s:find(p, 2)) put(s:find(p, -2)) put(s:find(p, 1, true)) put(s:match(p)) put(s:match(p, 3))
    for a, b, c in s:gmatch(p) do put(a, b, c) end
    for a, b, c in s:gmatch(p, 2) do put(a, b, c) end
    put(s:gsub(p, w)) put(s:gsub(p, w, 1)) put(s:gsub(p, {a = 'A', ['1'] = 2}))
    put(s:gsub(p, function(a, b) return a ~= '' and (b or a) .. '!' end))
    return table.concat(out, ','))");
}

std::string Ours(const std::string& script) {
  const auto results = RunScript(script);
  return !results.ok() ? "error" : results->front().is_string() ? results->front().get<std::string>() : "";
}

std::string OneOf(std::mt19937& random, const std::vector<std::string>& pool) {
  return pool[std::uniform_int_distribution<std::size_t>(0, pool.size() - 1)(random)];
}

std::string SomeOf(std::mt19937& random, const std::vector<std::string>& pool, int most) {
  std::string text;
  for (int left = std::uniform_int_distribution<int>(0, most)(random); left > 0; --left) text += OneOf(random, pool);
  return text;
}

TEST(PatternTest, AsLuaDoes) {
  const std::vector<std::string> texts = {"a", "b", "ab", " ",   "1", "23",    "_", "-",
                                          ".", "%", "]",  "\\n", "A", "\\xe9", ""};
  const std::vector<std::string> pieces = {
      "a",     "b",    ".",      "%a",   "%d",     "%s",    "%w", "%S", "%A",  "%.",   "%%",   "[ab]", "[^a]", "[a-z]",
      "[%d_]", "[]]",  "[^]]",   "[a-]", "(",      ")",     "()", "*",  "+",   "-",    "?",    "$",    "^",    "(a)",
      "(%w+)", "(.-)", "[%w_-]", "[%]]", "[a-%]]", "\\xe9", "%x", "%p", "%u+", "%l-b", "[%-]", "[",    "]",    "%"};
  const std::vector<std::string> replacements = {"x", "%0", "%1", "%%", "<%0>", "%2", "", "%a"};
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  Lua lua;
  int matched = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string pattern = (i % 5 == 0 ? "^" : "") + SomeOf(random, pieces, 4);
    const std::string script = Script(SomeOf(random, texts, 8), pattern, OneOf(random, replacements));
    // Lua says what is wrong with a pattern only where its matcher gets there.
    if (Ours("('x'):match(\"" + pattern + "\") == 1") == "error") continue;
    const std::string expected = lua.Run(script);
    if (expected != "error") ++matched;
    ASSERT_EQ(Ours(script), expected) << script;
  }
  EXPECT_GT(matched, 1000);
}

TEST(PatternTest, WhatNoRegularExpressionCanIsRefused) {
  for (const char* pattern : {"(a)%1", "%b()", "%f[%w]a"}) {
    EXPECT_THAT(std::string(Pattern::Compile(pattern, true).status().message()), HasSubstr("not supported")) << pattern;
  }
  std::string many;
  for (int i = 0; i <= Pattern::kMaxCaptures; ++i) many += "()";
  EXPECT_EQ(Pattern::Compile(many, true).status().message(), "too many captures");
}

TEST(PatternTest, BytesOfEveryKind) {
  const auto pattern = Pattern::Compile(absl::string_view("[\0-\x1f]\xff", 6), true);
  ASSERT_TRUE(pattern.ok()) << pattern.status();
  re2::StringPiece parts[1];
  EXPECT_TRUE(pattern->Find(absl::string_view("ab\0\xff", 4), parts));
  EXPECT_EQ(parts[0].size(), 2U);
  EXPECT_FALSE(pattern->Find("ab\xff", parts));
}

}  // namespace
}  // namespace dspex
