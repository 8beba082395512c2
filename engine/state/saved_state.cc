#include "engine/state/saved_state.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <utility>

#include "engine/state/lm_record.h"
#include "engine/state/state_error.h"

namespace dspex {

namespace {

constexpr absl::string_view kMetadata = "metadata";
constexpr absl::string_view kWhatToGive = "Give a file that module.save(\"x.json\") of DSPy 2.6 or later wrote";
constexpr std::size_t kMaxPathBytes = 1000;

absl::Status Missing(absl::string_view path, absl::string_view key) {
  return InvalidState(StatePath(path, key), "is missing", kWhatToGive);
}

// Reads a member that must be a string.
absl::Status ReadString(const JsonMember* member, absl::string_view path, absl::string_view key, std::string& value) {
  if (member == nullptr) return Missing(path, key);
  if (!IsJsonString(member->text)) {
    return InvalidState(StatePath(path, key), "is no string", "Correct the file");
  }
  value = JsonStringValue(member->text);
  return absl::OkStatus();
}

absl::Status ReadSignature(absl::string_view text, const std::string& path, SavedPredictor& predictor) {
  if (!IsJsonObject(text)) return InvalidState(path, "is no object", "Correct the file");
  const std::vector<JsonMember> members = JsonMembers(text);
  absl::Status status = ReadString(FindMember(members, "instructions"), path, "instructions", predictor.instructions);
  if (!status.ok()) return status;
  const JsonMember* fields = FindMember(members, "fields");
  if (fields == nullptr) return Missing(path, "fields");
  const std::string fields_path = StatePath(path, "fields");
  if (!IsJsonArray(fields->text)) return InvalidState(fields_path, "is no list", "Correct the file");
  for (const absl::string_view element : JsonElements(fields->text)) {
    const std::string field_path = absl::StrCat(fields_path, "[", predictor.fields.size(), "]");
    if (!IsJsonObject(element)) return InvalidState(field_path, "is no object", "Correct the file");
    const std::vector<JsonMember> parts = JsonMembers(element);
    SavedField& field = predictor.fields.emplace_back();
    status = ReadString(FindMember(parts, "prefix"), field_path, "prefix", field.prefix);
    if (!status.ok()) return status;
    const JsonMember* description = FindMember(parts, "description");
    if (description != nullptr && description->text == "null") continue;
    status = ReadString(description, field_path, "description", field.description.emplace());
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ReadDemos(absl::string_view text, const std::string& path, std::vector<std::string>& demos) {
  if (!IsJsonArray(text)) return InvalidState(path, "is no list", "Correct the file");
  for (const absl::string_view demo : JsonElements(text)) {
    if (!IsJsonObject(demo)) {
      return InvalidState(absl::StrCat(path, "[", demos.size(), "]"), "is no object",
                          "A demo is an object of field values");
    }
    demos.emplace_back(demo);
  }
  return absl::OkStatus();
}

// Takes what a Predict's record has out of its members.
absl::Status ReadPredict(SavedPredictor& predictor) {
  const std::string& path = predictor.path;
  if (FindMember(predictor.members, "extended_signature") != nullptr) {
    return InvalidState(StatePath(path, "extended_signature"), "is of DSPy 2.5 or earlier",
                        "Load the file in that release and save the program by a later one");
  }
  absl::Status status;
  for (const absl::string_view key : {"demos", "signature", "lm"}) {
    if (FindMember(predictor.members, key) == nullptr) return Missing(path, key);
  }
  // Settings of decisions, which DSPy wants as an object.
  const JsonMember* decisions = FindMember(predictor.members, "fields");
  if (decisions != nullptr && !IsJsonObject(decisions->text)) {
    return InvalidState(StatePath(path, "fields"), "is no object", "Correct the file");
  }
  for (JsonMember& member : predictor.members) {
    if (member.key == "demos") {
      status = ReadDemos(member.text, StatePath(path, "demos"), predictor.demos);
    } else if (member.key == "signature") {
      status = ReadSignature(member.text, StatePath(path, "signature"), predictor);
    } else if (member.key == "lm") {
      predictor.lm = std::move(member.text);
    } else {
      continue;
    }
    if (!status.ok()) return status;
    member.text.clear();
  }
  return absl::OkStatus();
}

std::string SignatureText(const SavedPredictor& predictor) {
  std::string text = absl::StrCat("{\"instructions\":", JsonStringText(predictor.instructions), ",\"fields\":[");
  absl::string_view separator;
  for (const SavedField& field : predictor.fields) {
    absl::StrAppend(&text, separator, "{\"prefix\":", JsonStringText(field.prefix),
                    ",\"description\":", field.description.has_value() ? JsonStringText(*field.description) : "null",
                    "}");
    separator = ",";
  }
  return absl::StrCat(text, "]}");
}

absl::Status ReadMetadata(const JsonMember& member, SavedState& state) {
  const JsonMember* versions = nullptr;
  std::vector<JsonMember> members;
  if (IsJsonObject(member.text)) {
    members = JsonMembers(member.text);
    versions = FindMember(members, "dependency_versions");
  }
  if (versions == nullptr || !IsJsonObject(versions->text)) return Missing(kMetadata, "dependency_versions");
  for (const JsonMember& version : JsonMembers(versions->text)) {
    if (IsJsonString(version.text)) state.dependency_versions.emplace_back(version.key, JsonStringValue(version.text));
  }
  state.metadata = member.text;
  return absl::OkStatus();
}

// Whether these are the members of one record, not records by their paths: a Predict saves itself so.
bool IsRecord(const std::vector<JsonMember>& members) {
  return std::any_of(members.begin(), members.end(), [](const JsonMember& member) {
    if (member.key == "signature") {
      return IsJsonObject(member.text) && FindMember(JsonMembers(member.text), "signature") == nullptr;
    }
    return IsJsonArray(member.text) && (member.key == "demos" || member.key == "traces" || member.key == "train");
  });
}

absl::StatusOr<SavedPredictor> ReadRecord(absl::string_view path, std::vector<JsonMember> members) {
  SavedPredictor predictor;
  predictor.path = std::string(path);
  predictor.members = std::move(members);
  if (const JsonMember* lm = FindMember(predictor.members, "lm"); lm != nullptr) {
    absl::Status status = CheckLmRecord(lm->text, StatePath(path, "lm"));
    if (!status.ok()) return status;
  }
  // Only a Predict has demos or a signature; a record of a release too old for signatures has demos.
  predictor.is_predict = std::any_of(predictor.members.begin(), predictor.members.end(), [](const JsonMember& member) {
    return member.key == "signature" || member.key == "demos" || member.key == "extended_signature";
  });
  if (!predictor.is_predict) return predictor;
  absl::Status status = ReadPredict(predictor);
  if (!status.ok()) return status;
  return predictor;
}

// The members of a record with those that stand in fields of their own.
std::vector<JsonMember> RecordMembers(const SavedPredictor& predictor) {
  std::vector<JsonMember> members = predictor.members;
  for (JsonMember& member : members) {
    if (!predictor.is_predict) break;
    if (member.key == "demos") {
      member.text = absl::StrCat("[", absl::StrJoin(predictor.demos, ","), "]");
    } else if (member.key == "signature") {
      member.text = SignatureText(predictor);
    } else if (member.key == "lm") {
      member.text = predictor.lm;
    }
  }
  return members;
}

}  // namespace

absl::StatusOr<SavedPredictor> ReadPredictorState(absl::string_view path, absl::string_view record) {
  if (!IsJsonObject(record)) return InvalidState(path, "is no object", kWhatToGive);
  return ReadRecord(path, JsonMembers(record));
}

absl::StatusOr<SavedState> ReadState(absl::string_view text, const JsonLimits& limits) {
  const absl::StatusOr<std::string> compact = CompactJson(text, limits);
  if (!compact.ok()) return compact.status();
  if (!IsJsonObject(*compact)) return InvalidState("", "is no object", kWhatToGive);
  std::vector<JsonMember> members = JsonMembers(*compact);
  const auto metadata =
      std::find_if(members.begin(), members.end(), [](const JsonMember& member) { return member.key == kMetadata; });
  if (metadata == members.end()) return Missing(kMetadata, "dependency_versions");
  SavedState state;
  if (absl::Status status = ReadMetadata(*metadata, state); !status.ok()) return status;
  members.erase(metadata);
  if (IsRecord(members)) {
    absl::StatusOr<SavedPredictor> predictor = ReadRecord("", std::move(members));
    if (!predictor.ok()) return predictor.status();
    state.predictors.push_back(*std::move(predictor));
    return state;
  }
  for (const JsonMember& member : members) {
    if (member.key.empty() || member.key.size() > kMaxPathBytes) {
      return InvalidState(member.key, "is no path of a predictor", kWhatToGive);
    }
    absl::StatusOr<SavedPredictor> predictor = ReadPredictorState(member.key, member.text);
    if (!predictor.ok()) return predictor.status();
    state.predictors.push_back(*std::move(predictor));
  }
  return state;
}

std::string PredictorStateText(const SavedPredictor& predictor) { return JsonObjectText(RecordMembers(predictor)); }

std::string WriteState(const SavedState& state) {
  std::vector<JsonMember> members;
  for (const SavedPredictor& predictor : state.predictors) {
    if (predictor.path.empty()) {
      members = RecordMembers(predictor);
      break;
    }
    members.push_back({predictor.path, PredictorStateText(predictor)});
  }
  members.push_back({std::string(kMetadata), state.metadata});
  return absl::StrCat(IndentJson(JsonObjectText(members)), "\n");
}

}  // namespace dspex
