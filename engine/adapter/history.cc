// The conversation so far, which a field of type History brings along.

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "engine/adapter/adapter_base.h"
#include "engine/adapter/field_wording.h"
#include "engine/adapter/typed_value.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/python_format.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

struct ToolResult {
  std::string call_id;
  std::string name;
  Json value;
};

std::string TextOf(const Json& object, const char* name) {
  const Json* member = FindMember(object, name);
  return member != nullptr && member->is_string() ? member->get<std::string>() : std::string();
}

// The member of a past turn that holds tool calls, whatever its name.
const Json* FindToolCalls(const Json& past, std::string& name) {
  for (const auto& [key, value] : past.get_ref<const Json::object_t&>()) {
    if (!IsToolCalls(value)) continue;
    name = key;
    return &value;
  }
  return nullptr;
}

// The results of a value with tool calls, in the form that DSPy brings them to; null if there are none.
Json ToolResultsOf(const Json& calls) {
  const Json* given = FindMember(calls, "tool_call_results");
  if (given == nullptr || given->is_null()) return nullptr;
  Json list = Json::array();
  if (given->is_array()) {
    list = *given;
  } else if (given->is_object()) {
    const Json* inner = FindMember(*given, "tool_call_results");
    if (inner != nullptr && inner->is_array()) {
      list = *inner;
    } else {
      list.push_back(*given);
    }
  }
  Json results = Json::array();
  for (const Json& item : list) {
    if (!item.is_object()) continue;
    const auto member = [&item](const char* name, const Json& otherwise) {
      const Json* found = FindMember(item, name);
      return found == nullptr ? otherwise : *found;
    };
    results.push_back({{"call_id", member("call_id", nullptr)},
                       {"name", member("name", "")},
                       {"value", member("value", nullptr)},
                       {"is_error", member("is_error", false)}});
  }
  return results;
}

// Whether the results answer the calls one by one, which providers insist on.
bool Answers(const std::vector<ToolCall>& calls, const Json& results) {
  if (calls.size() != results.size()) return false;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (calls[i].id.empty() || calls[i].id != TextOf(results[i], "call_id")) return false;
  }
  return true;
}

}  // namespace

absl::Status AdapterBase::AppendHistory(const Json& inputs, std::vector<lm::Message>& turns) const {
  const Json* history = FindMember(inputs, history_);
  if (history == nullptr || history->is_null()) return absl::OkStatus();
  const Json* messages = history->is_object() ? FindMember(*history, "messages") : nullptr;
  const bool well_formed = messages != nullptr && messages->is_array() &&
                           std::all_of(messages->begin(), messages->end(), [](const Json& m) { return m.is_object(); });
  if (!well_formed) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidValue,
                 absl::StrCat("The field '", history_,
                              "' is no history. Give {\"messages\": [{field: value, ...}, ...]}."))
        .With("field", history_)
        .With("type", "History");
  }
  for (const Json& past : *messages) {
    if (absl::Status status = AppendPastTurn(past, turns); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status AdapterBase::AppendPastTurn(const Json& past, std::vector<lm::Message>& turns) const {
  const bool asked = std::any_of(live_inputs_.begin(), live_inputs_.end(), [&past](const ValueWriter* writer) {
    return FindMember(past, writer->field().name) != nullptr;
  });
  if (asked) {
    absl::StatusOr<lm::Message> question = Question(past, true);
    if (!question.ok()) return question.status();
    turns.push_back(*std::move(question));
  }
  std::string calls_name;
  const Json* calls = FindToolCalls(past, calls_name);
  if (calls != nullptr && parts_.options.native_function_calling) return AppendPastCalls(past, *calls, turns);

  const Json results = calls == nullptr ? Json() : ToolResultsOf(*calls);
  Json without_results;
  if (!results.is_null()) {
    without_results = past;
    without_results[calls_name] = PlainToolCalls(*calls);
    without_results[calls_name].erase("tool_call_results");
  }
  absl::StatusOr<std::string> answer = Answer(outputs_, results.is_null() ? past : without_results, nullptr);
  if (!answer.ok()) return answer.status();
  if (!answer->empty()) turns.push_back(lm::Message::Text(lm::Role::kAssistant, *std::move(answer)));
  return results.is_null() ? absl::OkStatus() : AppendToolResults(results, turns);
}

absl::Status AdapterBase::AppendToolResults(const Json& results, std::vector<lm::Message>& turns) const {
  Type type;
  type.kind = Kind::kToolCallResults;
  const Field field = MakeField("tool_call_results", type);
  const ValueWriter writer(book(), field);
  Content content(live_blocks());
  const Json values = {{"tool_call_results", {{"tool_call_results", results}}}};
  if (absl::Status status = AppendInputs({&writer}, values, content); !status.ok()) return status;
  turns.push_back(std::move(content).Finish(lm::Role::kUser, false));
  return absl::OkStatus();
}

absl::Status AdapterBase::AppendPastCalls(const Json& past, const Json& calls, std::vector<lm::Message>& turns) const {
  // The text has what the calls leave to say.
  Fields said;
  std::copy_if(outputs_.begin(), outputs_.end(), std::back_inserter(said), [&past](const ValueWriter* writer) {
    const Json* value = FindMember(past, writer->field().name);
    return !IsPlain(writer->field().type, Kind::kToolCalls) && value != nullptr && !value->is_null();
  });
  lm::Message message{lm::Role::kAssistant, {}};
  if (!said.empty()) {
    absl::StatusOr<std::string> answer = Answer(said, past, nullptr);
    if (!answer.ok()) return answer.status();
    if (!answer->empty()) message.parts.emplace_back(lm::TextPart{*std::move(answer)});
  }
  const std::vector<ToolCall> made = ToolCallsOf(calls);
  Json results = ToolResultsOf(calls);
  if (!results.is_null() && !Answers(made, results)) results = nullptr;
  if (!results.is_null()) {
    for (const ToolCall& call : made) {
      message.parts.emplace_back(lm::ToolCallPart{call.id, call.name, PythonJsonDumps(call.arguments)});
    }
  }
  // Without calls the message is there all the same: it has the text, or, if nobody called anything, nothing.
  if (!message.parts.empty() || !results.is_null()) turns.push_back(std::move(message));
  if (results.is_null()) return absl::OkStatus();
  for (const Json& result : results) {
    const Json& value = *FindMember(result, "value");
    lm::ToolResultPart part{TextOf(result, "call_id"),
                            value.is_string() ? value.get<std::string>() : PythonJsonDumps(value)};
    part.name = TextOf(result, "name");
    const Json* failed = FindMember(result, "is_error");
    part.is_error = failed != nullptr && failed->is_boolean() && failed->get<bool>();
    turns.push_back(lm::Message{lm::Role::kTool, {std::move(part)}});
  }
  return absl::OkStatus();
}

}  // namespace dspex
