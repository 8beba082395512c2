#include "server/store/program_definition.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace dspex {

void ClearServerFields(v1::Program& program) {
  program.clear_name();
  program.clear_revision();
  program.clear_etag();
  program.clear_labels();
  program.clear_create_time();
  program.clear_update_time();
}

std::string SerializeDefinition(const v1::Program& program) {
  v1::Program definition = program;
  ClearServerFields(definition);
  return SerializeDeterministically(definition);
}

std::string SerializeDeterministically(const google::protobuf::MessageLite& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream output(&stream);
  output.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&output);
  output.Trim();
  return bytes;
}

}  // namespace dspex
