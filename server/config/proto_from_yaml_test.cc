#include "server/config/proto_from_yaml.h"

#include <gtest/gtest.h>

#include <string>

#include "dspex/v1/program.pb.h"

namespace dspex {
namespace {

// The configuration has no lists and no fractions yet; programs have, and the reader knows only descriptors.

absl::Status Read(const std::string& text, google::protobuf::Message& message) {
  const auto document = ParseYaml(text, "f.yaml");
  return document.ok() ? ReadMessage(*document, "f.yaml", message) : document.status();
}

TEST(ReadMessage, ReadsListsFractionsAndMaps) {
  v1::Program program;
  ASSERT_TRUE(Read(R"(
modules:
  - id: a
    execution_backend: native
    predict:
      options: {temperature: 0.5, stop: [x, "1"], max_tokens: 0}
  - id: b
labels: {prod: 3}
steps:
)",
                   program)
                  .ok());
  ASSERT_EQ(program.modules_size(), 2);
  EXPECT_EQ(program.modules(0).execution_backend(), v1::EXECUTION_BACKEND_NATIVE);
  const v1::LmOptions& options = program.modules(0).predict().options();
  EXPECT_EQ(options.temperature(), 0.5);
  ASSERT_EQ(options.stop_size(), 2);
  EXPECT_EQ(options.stop(1), "1");
  // A field with presence may be 0.
  EXPECT_TRUE(options.has_max_tokens());
  EXPECT_EQ(program.modules(1).id(), "b");
  EXPECT_EQ(program.labels().at("prod"), 3);
}

TEST(ReadMessage, RefusesOtherShapes) {
  v1::Program program;
  EXPECT_EQ(Read("modules: {id: a}", program).message(), "f.yaml:1:10: this needs a list of values");
  EXPECT_EQ(Read("modules: [a]", program).message(), "f.yaml:1:11: 'a' needs keys and values below it");
  v1::LmOptions options;
  for (const char* value : {"hot", "'1'", "nan", "inf", "1e999"}) {
    EXPECT_FALSE(Read(std::string("temperature: ") + value, options).ok()) << value;
  }
  EXPECT_EQ(Read("stop: [[x]]", options).message(), "f.yaml:1:8: this needs a single value");
}

}  // namespace
}  // namespace dspex
