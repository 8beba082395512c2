#include "engine/adapter/xml_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace dspex {
namespace {

bool Reads(absl::string_view text) { return XmlContent::Parse(text).ok(); }

// The content, written as ElementTree would write it.
std::string Written(absl::string_view text) {
  const auto content = XmlContent::Parse(text);
  if (!content.ok()) return "error";
  std::string out;
  AppendXmlText(out, content->root().text);
  for (std::size_t i = content->root().first_child; i != XmlElement::kNone; i = content->at(i).next_sibling) {
    out += content->ToString(content->at(i));
  }
  return out;
}

TEST(XmlReaderTest, TextEntitiesAndCdata) {
  EXPECT_EQ(Written("a&lt;&amp;&gt;&quot;&apos;&#65;&#x42;<![CDATA[<x>]]>"), "a&lt;&amp;&gt;\"'AB&lt;x&gt;");
  EXPECT_EQ(Written("a<!-- no -->b<?pi x?>c"), "abc");
  EXPECT_EQ(Written("1\r\n2\r3"), "1\n2\n3");
  EXPECT_EQ(Written("<a>x<b/>y</a>z"), "<a>x<b />y</a>z");
}

TEST(XmlReaderTest, Attributes) {
  EXPECT_EQ(Written("<a  k = 'x\ty&#10;&lt;\"'/>"), "<a k=\"x y&#10;&lt;&quot;\" />");
  EXPECT_FALSE(Reads("<a k=1/>"));
  EXPECT_FALSE(Reads("<a k='1'l='2'/>"));
  EXPECT_FALSE(Reads("<a k='1' k='2'/>"));
  EXPECT_FALSE(Reads("<a k='<'/>"));
  EXPECT_FALSE(Reads("<a k/>"));
}

TEST(XmlReaderTest, WhatIsNotWellFormedIsRefused) {
  for (const char* text : {"<a>",
                           "</a>",
                           "<a></b>",
                           "<a></a",
                           "<",
                           "<1/>",
                           "< a/>",
                           "&",
                           "&x;",
                           "&#0;",
                           "&#xD800;",
                           "&#1114112;",
                           "&#;",
                           "]]>",
                           "<!-- -- -->",
                           "<!-- ",
                           "<![CDATA[ ",
                           "<?xml version='1.0'?>",
                           "<?XML?>",
                           "<?p",
                           "<!DOCTYPE a>",
                           "\x01",
                           "\xEF\xBF\xBE",
                           "<a b:='1'/>",
                           "<:a/>",
                           "<a:b:c/>"}) {
    EXPECT_FALSE(Reads(text)) << text;
  }
  EXPECT_FALSE(Reads(absl::string_view("a\0b", 3)));
  EXPECT_FALSE(Reads("\xFF"));
  EXPECT_TRUE(Reads("\x7F"));
  EXPECT_TRUE(Reads("<é-.1/>"));
  EXPECT_TRUE(Reads("<?xml-stylesheet x?>"));
}

TEST(XmlReaderTest, Namespaces) {
  EXPECT_FALSE(Reads("<p:a/>"));
  EXPECT_FALSE(Reads("<a p:k='1'/>"));
  EXPECT_FALSE(Reads("<a xmlns:p=''/>"));
  EXPECT_FALSE(Reads("<a xmlns:xmlns='u'/>"));
  EXPECT_FALSE(Reads("<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>"));
  EXPECT_FALSE(Reads("<p:a xmlns:p='u' xmlns:q='u' p:k='1' q:k='2'/>"));
  EXPECT_EQ(Written("<p:a xmlns:p='u'><q xml:lang='e'/></p:a>"), "<ns0:a xmlns:ns0=\"u\"><q xml:lang=\"e\" /></ns0:a>");
  EXPECT_EQ(Written("<a xmlns='u'><b xmlns=''/></a>"), "<ns0:a xmlns:ns0=\"u\"><b /></ns0:a>");
  EXPECT_EQ(Written("<p xmlns='http://www.w3.org/1999/xhtml'/>"),
            "<html:p xmlns:html=\"http://www.w3.org/1999/xhtml\" />");
}

TEST(XmlReaderTest, SizeIsBounded) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  EXPECT_FALSE(Reads(deep));
  std::string wide;
  for (int i = 0; i < 300'000; ++i) wide += "<a/>";
  EXPECT_FALSE(Reads(wide));
  EXPECT_FALSE(Reads(std::string(17 << 20, 'x')));
  EXPECT_TRUE(Reads(std::string(10'000'000, 'x')));
  EXPECT_FALSE(Reads(std::string(10'000'000, '<')));
  EXPECT_FALSE(Reads(std::string(5'000'000, '&')));
  std::string attributes = "<a";
  for (int i = 0; i < 100'000; ++i) attributes += " k" + std::to_string(i) + "='1'";
  EXPECT_FALSE(Reads(attributes + "/>"));
}

}  // namespace
}  // namespace dspex
