#include "tests/mock_llm/script.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "tests/mock_llm/faults.h"
#include "tests/mock_llm/template.h"

namespace dspex::mock_llm {
namespace {

using nlohmann::json;

// A request whose body is read when first asked for.
class LazyCall {
 public:
  explicit LazyCall(const ModelRequest& request) : request_(request) {}

  const absl::StatusOr<ModelCall>& Get() {
    if (!call_.has_value()) call_ = ReadCall(request_.face, *request_.headers, request_.body);
    return *call_;
  }

 private:
  const ModelRequest& request_;
  std::optional<absl::StatusOr<ModelCall>> call_;
};

bool Applies(const Rule& rule, const ModelRequest& request, LazyCall& lazy) {
  if (rule.times.has_value() && rule.used >= *rule.times) return false;
  for (const auto& header : rule.match_headers) {
    if (std::find(request.headers->begin(), request.headers->end(), header) == request.headers->end()) return false;
  }
  if (!rule.contains.has_value() && rule.regex == nullptr && !rule.model.has_value()) return true;
  const absl::StatusOr<ModelCall>& call = lazy.Get();
  if (!call.ok()) return false;
  return (!rule.model.has_value() || *rule.model == call->model) &&
         (!rule.contains.has_value() || absl::StrContains(call->last_user, *rule.contains)) &&
         (rule.regex == nullptr || RE2::PartialMatch(call->last_user, *rule.regex));
}

Completion Complete(Rule& rule, const ModelCall& call, int64_t sequence) {
  Completion completion;
  completion.tool_calls = rule.tool_calls;
  completion.reasoning = rule.reasoning;
  completion.refusal = rule.refusal;
  completion.finish_reason = rule.finish_reason;
  completion.usage = rule.usage;
  completion.logprobs = rule.logprobs;
  completion.no_usage = rule.no_usage;
  for (int64_t choice = 0; choice < call.n; ++choice) {
    if (rule.contents.empty()) {
      completion.contents.push_back(std::nullopt);
      continue;
    }
    const std::string& content = rule.contents[rule.next_content++ % rule.contents.size()];
    completion.contents.push_back(FillTemplate(content, call, sequence));
  }
  return completion;
}

void SetStream(const Rule& rule, const Dialect& dialect, const ModelCall& call, int64_t sequence,
               const Completion& completion, Answer& answer) {
  std::vector<Event> events = dialect.Stream(call, sequence, completion, rule.shape);
  BreakEvents(rule.fault, dialect, sequence, rule.shape, events);
  EventStream stream = Encode(events, rule.shape);
  stream.fault_at = FaultPosition(events, rule.shape);
  answer.content_type = "text/event-stream";
  answer.stream = std::make_shared<const EventStream>(std::move(stream));
}

Answer AnswerOf(Rule& rule, const ModelRequest& request, LazyCall& lazy) {
  const Dialect& dialect = DialectOf(request.face);
  Answer answer;
  answer.request_id_header = dialect.request_id_header();
  answer.headers = rule.headers;
  answer.latency =
      rule.random_latency.has_value() ? Milliseconds((*rule.random_latency)(rule.random)) : rule.fixed_latency;
  answer.drip = rule.drip;
  answer.status = rule.status;
  if (ReplaceAnswer(rule.fault, dialect, request.sequence, answer)) return answer;
  answer.delivery = DeliveryOf(rule.fault);
  if (rule.raw_body != nullptr) {
    answer.body = rule.raw_body;
    BreakBody(rule.fault, answer);
    return answer;
  }
  const absl::StatusOr<ModelCall>& call = lazy.Get();
  if (!call.ok()) {
    const Failure failure =
        *dialect.FailureOf(absl::IsUnauthenticated(call.status()) ? "unauthorized" : "invalid_request");
    answer.status = failure.status;
    SetBody(answer, dialect.WriteError(failure, call.status().message(), request.sequence));
    return answer;
  }
  const Completion completion = Complete(rule, *call, request.sequence);
  if (call->stream && rule.status == 200) {
    SetStream(rule, dialect, *call, request.sequence, completion, answer);
  } else {
    SetBody(answer, dialect.Write(*call, request.sequence, completion));
    BreakBody(rule.fault, answer);
  }
  return answer;
}

// A whole body in chunks of HTTP's, with a fault after its first half.
void Chunk(const Rule& rule, Answer& answer) {
  const size_t half = answer.body->size() / 2;
  EventStream stream;
  stream.shape = rule.shape;
  stream.events = {answer.body->substr(0, half), answer.body->substr(half)};
  stream.fault_at = 1;
  answer.stream = std::make_shared<const EventStream>(std::move(stream));
}

Answer Use(Rule& rule, const ModelRequest& request, LazyCall& lazy) {
  ++rule.used;
  Answer answer = AnswerOf(rule, request, lazy);
  if (rule.chunked && answer.stream == nullptr) Chunk(rule, answer);
  return answer;
}

// What a request takes of a rate limit. The output is what the rule says, if it says nothing of the request's own.
Counts Charge(const Rule& rule, LazyCall& lazy, const ModelRequest& request) {
  Completion completion;
  completion.usage = rule.usage;
  completion.tool_calls = rule.tool_calls;
  completion.reasoning = rule.reasoning;
  if (!rule.contents.empty()) completion.contents.emplace_back(rule.contents[rule.next_content % rule.contents.size()]);
  ModelCall unread;
  unread.body_bytes = request.body.size();
  return CountTokens(lazy.Get().ok() ? *lazy.Get() : unread, completion);
}

// A request that is refused uses up no rule.
Answer AnswerWithin(RateLimiter& limiter, Rule& rule, const ModelRequest& request, LazyCall& lazy) {
  const std::optional<absl::Duration> wait = limiter.Take(Charge(rule, lazy, request), request.now);
  Answer answer;
  if (wait.has_value()) {
    const Dialect& dialect = DialectOf(request.face);
    ReplaceAnswer("rate_limited", dialect, request.sequence, answer);
    answer.request_id_header = dialect.request_id_header();
    const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(*wait, absl::Seconds(1)));
    answer.headers.emplace_back("retry-after", absl::StrCat(seconds));
    if (request.face != Face::kMessages) {
      const int64_t ms = absl::ToInt64Milliseconds(absl::Ceil(*wait, absl::Milliseconds(1)));
      answer.headers.emplace_back("retry-after-ms", absl::StrCat(ms));
    }
  } else {
    answer = Use(rule, request, lazy);
  }
  for (auto& header : limiter.HeadersOf(request.face, request.now)) answer.headers.push_back(std::move(header));
  return answer;
}

}  // namespace

Script::Script(Milliseconds default_latency) : default_rule_(DefaultRule(default_latency)) {}

absl::StatusOr<Script> Script::Parse(absl::string_view text, Milliseconds default_latency) {
  const json spec = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (spec.is_array()) return ReadRules(spec, default_latency);
  const auto known = [](const auto& item) { return item.key() == "rules" || item.key() == "rate_limit"; };
  const auto items = spec.items();
  if (!spec.is_object() || spec.empty() || !std::all_of(items.begin(), items.end(), known)) {
    return absl::InvalidArgumentError("A script is a JSON list of rules, or an object with rules and a rate_limit.");
  }
  absl::StatusOr<Script> script = ReadRules(spec.value("rules", json::array()), default_latency);
  if (!script.ok() || !spec.contains("rate_limit")) return script;
  try {
    const absl::StatusOr<RateLimits> limits = ReadRateLimits(spec["rate_limit"]);
    if (!limits.ok()) return limits.status();
    script->limiter_.emplace(*limits);
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
  return script;
}

absl::StatusOr<Script> Script::ReadRules(const json& specs, Milliseconds default_latency) {
  if (!specs.is_array()) return absl::InvalidArgumentError("rules must be a list.");
  Script script(default_latency);
  for (const json& spec : specs) {
    absl::StatusOr<Rule> rule;
    try {
      rule = ReadRule(spec, default_latency);
    } catch (const json::exception& error) {  // A value of the wrong type, a key that is missing.
      rule = absl::InvalidArgumentError(error.what());
    }
    if (!rule.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("Rule ", script.rules_.size(), ": ", rule.status().message()));
    }
    script.rules_.push_back(*std::move(rule));
  }
  return script;
}

Answer Script::AnswerTo(const ModelRequest& request) {
  LazyCall lazy(request);
  Rule* chosen = &default_rule_;
  for (Rule& rule : rules_) {
    if (!Applies(rule, request, lazy)) continue;
    chosen = &rule;
    break;
  }
  std::optional<RateLimiter>& limiter = chosen->limiter.has_value() ? chosen->limiter : limiter_;
  if (!limiter.has_value()) return Use(*chosen, request, lazy);
  return AnswerWithin(*limiter, *chosen, request, lazy);
}

}  // namespace dspex::mock_llm
