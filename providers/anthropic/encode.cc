#include "providers/anthropic/encode.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "providers/anthropic/blocks.h"
#include "providers/wire/encode.h"

namespace dspex::anthropic {

namespace {

using wire::AppendField;

// A prefix of fewer bytes than that is none that the API would keep.
constexpr std::size_t kMinCachedBytes = 4096;

enum class Side { kUser, kAssistant };

// What the tools gave is the user's to tell, and the user's are the system texts that stand among the turns: the API
// has one place for them, before all turns.
Side SideOf(lm::Role role) { return role == lm::Role::kAssistant ? Side::kAssistant : Side::kUser; }

// Where in a turn the API wants a part: thoughts before what they led to, results before what is said of them.
int Rank(const lm::Part& part) {
  if (std::holds_alternative<lm::ReasoningPart>(part)) return 0;
  return std::holds_alternative<lm::ToolResultPart>(part) ? 1 : 2;
}

// In that order.
std::vector<const lm::Part*> SentParts(const lm::Message& message) {
  std::vector<const lm::Part*> parts;
  for (const int rank : {0, 1, 2}) {
    for (const lm::Part& part : message.parts) {
      if (Rank(part) == rank && IsSent(part)) parts.push_back(&part);
    }
  }
  return parts;
}

// Writes turns, and leaves the last one open.
class TurnWriter {
 public:
  // `open`: the side of the turn that is open in `out`.
  TurnWriter(std::string& out, std::optional<Side> open) : out_(out), open_(open) {}

  void Add(const lm::Message& message) {
    for (const lm::Part* part : SentParts(message)) {
      Open(SideOf(message.role));
      AppendBlock(out_, *part);
    }
  }

  void End() { absl::StrAppend(&out_, open_.has_value() ? "]}]" : "]"); }

 private:
  void Open(Side side) {
    if (open_ == side) {
      out_ += ',';
      return;
    }
    absl::StrAppend(&out_, open_.has_value() ? "]}," : "", R"({"role":)",
                    side == Side::kUser ? R"("user")" : R"("assistant")", R"(,"content":[)");
    open_ = side;
  }

  std::string& out_;
  std::optional<Side> open_;
};

bool IsSystem(const lm::Message& message) { return message.role == lm::Role::kSystem; }

// The side of the turn that the head of a prefix leaves open.
std::optional<Side> OpenSide(const lm::Prefix* prefix) {
  if (prefix == nullptr) return std::nullopt;
  const std::vector<lm::Message>& messages = prefix->messages();
  for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
    if (!IsSystem(*message) && std::any_of(message->parts.begin(), message->parts.end(), IsSent)) {
      return SideOf(message->role);
    }
  }
  return std::nullopt;
}

// Marks the block that `out` ends with as the end of what the API is to keep. Thoughts and blocks of other types cannot
// be told to bear the mark: `last` is the block's part.
void Mark(std::string& out, const lm::Part* last) {
  if (last == nullptr || std::holds_alternative<lm::ReasoningPart>(*last) ||
      std::holds_alternative<lm::BlockPart>(*last)) {
    return;
  }
  out.pop_back();
  absl::StrAppend(&out, R"(,"cache_control":{"type":"ephemeral"}})");
}

// Returns the part that it wrote last, if any.
const lm::Part* AppendSystem(std::string& out, const lm::Prefix& prefix) {
  absl::string_view separator = R"(,"system":[)";
  const lm::Part* last = nullptr;
  for (const lm::Message& message : prefix.messages()) {
    if (!IsSystem(message)) continue;
    for (const lm::Part* part : SentParts(message)) {
      absl::StrAppend(&out, std::exchange(separator, ","));
      AppendBlock(out, *part);
      last = part;
    }
  }
  return last;
}

const lm::Part* AppendPrefixTurns(std::string& out, const lm::Prefix& prefix) {
  TurnWriter writer(out, std::nullopt);
  const lm::Part* last = nullptr;
  for (const lm::Message& message : prefix.messages()) {
    if (IsSystem(message)) continue;
    writer.Add(message);
    if (const auto parts = SentParts(message); !parts.empty()) last = parts.back();
  }
  return last;
}

// How much a model is to think: a number of tokens, or a word where that is the model's way.
struct Thinking {
  int budget = 0;
  absl::string_view effort;

  bool on() const { return budget > 0 || !effort.empty(); }
};

Thinking ThinkingOf(const lm::Options& options, const ModelClass& model) {
  if (!options.reasoning_effort.has_value() || *options.reasoning_effort == "none") return {};
  const absl::string_view effort = *options.reasoning_effort;
  // The lowest of the API's words.
  if (model.adaptive_thinking) return {0, effort == "minimal" ? "low" : effort};
  constexpr std::pair<absl::string_view, int> kBudgets[] = {{"minimal", 1024}, {"low", 2048},    {"medium", 8192},
                                                            {"high", 16384},   {"xhigh", 24576}, {"max", 32768}};
  for (const auto& [word, budget] : kBudgets) {
    if (effort == word) return {budget, {}};
  }
  // The API says what is wrong with it.
  return {0, effort};
}

void AppendThinking(std::string& out, const Thinking& thinking) {
  if (thinking.budget > 0) {
    absl::StrAppend(&out, R"(,"thinking":{"type":"enabled","budget_tokens":)", thinking.budget, "}");
  } else if (!thinking.effort.empty()) {
    absl::StrAppend(&out, R"(,"thinking":{"type":"adaptive"})");
  }
}

// JSON without a schema is not the API's to promise: the prompt asks for it.
void AppendOutputConfig(std::string& out, absl::string_view effort, const lm::ResponseFormat& format) {
  const bool schema = format.kind == lm::ResponseFormat::Kind::kJsonSchema;
  if (effort.empty() && !schema) return;
  absl::StrAppend(&out, R"(,"output_config":{)");
  if (!effort.empty()) AppendField(out, R"("effort":)", effort);
  if (!effort.empty() && schema) out += ',';
  if (schema) absl::StrAppend(&out, R"("format":{"type":"json_schema","schema":)", *format.schema, "}");
  out += '}';
}

void AppendTools(std::string& out, const lm::Options& options) {
  if (options.tools.empty()) return;
  absl::string_view separator = R"(,"tools":[)";
  for (const lm::ToolSpec& tool : options.tools) {
    absl::StrAppend(&out, std::exchange(separator, ","));
    AppendField(out, R"({"name":)", tool.name);
    if (!tool.description.empty() && tool.description != "null") {
      absl::StrAppend(&out, R"(,"description":)", tool.description);
    }
    absl::StrAppend(&out, R"(,"input_schema":)", tool.parameters, "}");
  }
  out += ']';
  if (!options.parallel_tool_calls.has_value()) return;
  absl::StrAppend(&out, R"(,"tool_choice":{"type":"auto")",
                  *options.parallel_tool_calls ? "}" : R"(,"disable_parallel_tool_use":true})");
}

// What is set beyond what the API takes becomes the nearest that it takes: beside thoughts it has no temperature but 1,
// its default, and nearly all of the probability.
void AppendSampling(std::string& out, const lm::Options& options, const Thinking& thinking, const ModelClass& model) {
  if (!model.sampling) return;
  constexpr double kMinTopPOfThoughts = 0.95;
  if (options.temperature.has_value() && !thinking.on()) {
    wire::AppendNumber(out, "temperature", std::clamp(*options.temperature, 0.0, 1.0));
  }
  std::optional<double> top_p = options.top_p;
  if (top_p.has_value() && thinking.on()) top_p = std::max(*top_p, kMinTopPOfThoughts);
  wire::AppendNumber(out, "top_p", top_p);
}

// The API has no seed and no penalties.
void AppendOptions(std::string& out, const lm::Options& options, const ModelClass& model) {
  const Thinking thinking = ThinkingOf(options, model);
  // Thoughts of a given number of tokens count as output; the limit is meant for the answer.
  const long long max_tokens = options.max_tokens.value_or(model.default_max_tokens);
  absl::StrAppend(&out, R"(,"max_tokens":)", max_tokens + thinking.budget);
  AppendSampling(out, options, thinking, model);
  if (!options.stop.empty()) {
    absl::string_view separator = R"(,"stop_sequences":[)";
    for (const std::string& stop : options.stop) AppendField(out, std::exchange(separator, ","), stop);
    out += ']';
  }
  AppendThinking(out, thinking);
  AppendOutputConfig(out, thinking.effort, options.response_format);
  AppendTools(out, options);
}

}  // namespace

std::string EncodeHead(absl::string_view model, const lm::Prefix* prefix) {
  std::string out;
  if (prefix != nullptr) out.reserve(wire::EncodedBytes(prefix->messages()) + 128);
  AppendField(out, R"({"model":)", model);
  if (prefix == nullptr) return absl::StrCat(out, R"(,"messages":[)");
  const lm::Part* last_system = AppendSystem(out, *prefix);
  const bool has_turns = OpenSide(prefix).has_value();
  const auto marked = [&] { return prefix->reusable() && out.size() >= kMinCachedBytes; };
  if (!has_turns && marked()) Mark(out, last_system);
  absl::StrAppend(&out, last_system != nullptr ? R"(],"messages":[)" : R"(,"messages":[)");
  const lm::Part* last = AppendPrefixTurns(out, *prefix);
  if (has_turns && marked()) Mark(out, last);
  return out;
}

std::string EncodeTail(const lm::Request& request, const ModelClass& model, bool stream) {
  std::string out;
  out.reserve(wire::EncodedBytes(request.turns) + 256);
  TurnWriter writer(out, OpenSide(request.prefix.get()));
  for (const lm::Message& message : request.turns) writer.Add(message);
  writer.End();
  AppendOptions(out, request.options != nullptr ? *request.options : lm::Options(), model);
  absl::StrAppend(&out, stream ? R"(,"stream":true})" : "}");
  return out;
}

}  // namespace dspex::anthropic
