#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>
#include <google/protobuf/util/json_util.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "dspex/v1/phrasebook_service.pb.h"
#include "engine/json/json.h"
#include "server/program/phrasebook_registry.h"

namespace dspex {

/// What a benchmark cannot go on without; throws the error.
template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) throw std::runtime_error(value.status().ToString());
  return *std::move(value);
}

/// The JSON that a file holds. Throws.
inline Json ReadSpecification(const char* path) {
  std::ifstream file(path);
  return Must(ParseJson(std::string(std::istreambuf_iterator<char>(file), {}), {.max_bytes = std::size_t{64} << 20}));
}

/// Throws.
template <typename Message>
Message ReadMessage(const Json& json) {
  Message message;
  const auto read = google::protobuf::util::JsonStringToMessage(json.dump(), &message);
  if (!read.ok()) throw std::runtime_error(read.ToString());
  return message;
}

/// Adds DSPy's wording as the import captures it. Throws.
inline void AddPhrasebook(const Json& captured, PhrasebookRegistry& phrasebooks) {
  v1::Phrasebook phrasebook;
  phrasebook.set_name(absl::StrCat("phrasebooks/", captured.at("name").get<std::string>()));
  phrasebook.set_contents_json(captured.dump());
  const absl::Status added = phrasebooks.Add(std::move(phrasebook));
  if (!added.ok()) throw std::runtime_error(added.ToString());
}

}  // namespace dspex
