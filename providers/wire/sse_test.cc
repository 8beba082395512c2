#include "providers/wire/sse.h"

#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex::wire {
namespace {

// The events of a text given in pieces of `step` bytes, as "type|data;".
std::string Events(absl::string_view text, std::size_t step) {
  SseParser parser;
  std::vector<SseEvent> events;
  for (std::size_t at = 0; at < text.size(); at += step) EXPECT_TRUE(parser.Put(text.substr(at, step), events).ok());
  parser.End(events);
  std::string out;
  for (const SseEvent& event : events) out += event.type + "|" + event.data + ";";
  return out;
}

TEST(SseTest, WhateverTheCutsAndLineEnds) {
  struct Case {
    absl::string_view text;
    absl::string_view events;
  };
  for (const Case& expected : std::initializer_list<Case>{
           {"data: a\n\ndata: b\n\n", "|a;|b;"},
           {"data: a\r\n\r\ndata: b\r\n\r\n", "|a;|b;"},
           {"data: a\r\rdata: b\r\r", "|a;|b;"},
           {"event: delta\ndata:a\n\ndata: b\n\n", "delta|a;|b;"},
           {": keep-alive\n\n: another\ndata: a\n\n", "|a;"},
           {"data: a\ndata: b\n\n", "|a\nb;"},
           {"data\n\n", "|;"},
           {"event: nothing\n\n", ""},
           {"id: 1\nretry: 5\nother: x\ndata:  two spaces\n\n", "| two spaces;"},
           {"\xEF\xBB\xBF"
            "data: a\n\n",
            "|a;"},
           {"data: no blank line", "|no blank line;"},
           {"data: no blank line\r", "|no blank line;"},
           {"", ""},
       }) {
    for (std::size_t step = 1; step <= 20; ++step) {
      EXPECT_EQ(Events(expected.text, step), expected.events) << expected.text << " cut at " << step;
    }
  }
}

TEST(SseTest, AnEventIsBounded) {
  SseParser parser(100);
  std::vector<SseEvent> events;
  absl::Status status;
  int pieces = 0;
  while (status.ok() && pieces < 1000) {
    status = parser.Put("data: 0123456789\n", events);
    ++pieces;
  }
  EXPECT_EQ(ErrorReason(status), reason::kProviderMalformed) << status;
  EXPECT_LT(pieces, 20);
}

}  // namespace
}  // namespace dspex::wire
