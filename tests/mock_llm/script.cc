#include "tests/mock_llm/script.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/mock_llm/completion.h"

namespace dspex::mock_llm {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// An HTTP error as OpenAI words it.
struct HttpFault {
  absl::string_view name;
  int status;
  absl::string_view type;
  absl::string_view code;
};

constexpr std::array kHttpFaults = {
    HttpFault{"unauthorized", 401, "invalid_request_error", "invalid_api_key"},
    HttpFault{"rate_limited", 429, "requests", "rate_limit_exceeded"},
    HttpFault{"insufficient_quota", 429, "insufficient_quota", "insufficient_quota"},
    HttpFault{"context_length_exceeded", 400, "invalid_request_error", "context_length_exceeded"},
    HttpFault{"server_error", 500, "server_error", "server_error"},
    HttpFault{"unavailable", 503, "server_error", "overloaded"},
};

struct DeliveryFault {
  absl::string_view name;
  Delivery delivery;
};

constexpr std::array kDeliveryFaults = {
    DeliveryFault{"close_without_response", Delivery::kClose},
    DeliveryFault{"reset_before_response", Delivery::kReset},
    DeliveryFault{"close_in_body", Delivery::kCloseInBody},
    DeliveryFault{"reset_in_body", Delivery::kResetInBody},
    DeliveryFault{"hang", Delivery::kHang},
    DeliveryFault{"hang_in_body", Delivery::kHangInBody},
    DeliveryFault{"slow_drip", Delivery::kDrip},
};

constexpr std::array<absl::string_view, 3> kBodyFaults = {"truncated_json", "malformed_json", "wrong_content_type"};

template <typename Table>
auto FindByName(const Table& table, absl::string_view name) {
  return std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.name == name; });
}

bool IsFault(absl::string_view name) {
  return FindByName(kHttpFaults, name) != kHttpFaults.end() ||
         FindByName(kDeliveryFaults, name) != kDeliveryFaults.end() ||
         std::find(kBodyFaults.begin(), kBodyFaults.end(), name) != kBodyFaults.end();
}

absl::Status CheckKeys(const json& object, absl::string_view where, std::initializer_list<absl::string_view> known) {
  if (!object.is_object()) return absl::InvalidArgumentError(absl::StrCat(where, " must be an object"));
  for (const auto& item : object.items()) {
    if (std::find(known.begin(), known.end(), item.key()) == known.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, " has no \"", item.key(), "\"; it takes ", absl::StrJoin(known, ", ")));
    }
  }
  return absl::OkStatus();
}

Headers ReadHeaders(const json& object) {
  Headers headers;
  for (const auto& item : object.items()) {
    headers.emplace_back(absl::AsciiStrToLower(item.key()), item.value().get<std::string>());
  }
  return headers;
}

absl::Status ReadMatch(const json& match, Rule& rule) {
  if (absl::Status s = CheckKeys(match, "match", {"contains", "regex", "model", "header"}); !s.ok()) return s;
  if (match.contains("contains")) rule.contains = match["contains"].get<std::string>();
  if (match.contains("model")) rule.model = match["model"].get<std::string>();
  if (match.contains("header")) rule.match_headers = ReadHeaders(match["header"]);
  if (match.contains("regex")) {
    rule.regex = std::make_unique<RE2>(match["regex"].get<std::string>(), RE2::Quiet);
    if (!rule.regex->ok()) return absl::InvalidArgumentError(absl::StrCat("regex: ", rule.regex->error()));
  }
  return absl::OkStatus();
}

std::string ReadToolCalls(const json& calls) {
  ordered_json list = ordered_json::array();
  for (const json& call : calls) {
    const json& arguments = call.at("arguments");
    list.push_back({{"id", absl::StrCat("call_mock_", list.size())},
                    {"type", "function"},
                    {"function",
                     {{"name", call.at("name").get<std::string>()},
                      {"arguments", arguments.is_string() ? arguments.get<std::string>() : arguments.dump()}}}});
  }
  return list.dump();
}

absl::Status ReadReply(const json& reply, Rule& rule) {
  if (absl::Status s =
          CheckKeys(reply, "reply",
                    {"content", "contents", "tool_calls", "finish_reason", "usage", "status", "headers", "raw_body"});
      !s.ok()) {
    return s;
  }
  if (reply.contains("tool_calls")) {
    rule.contents.clear();
    rule.tool_calls = ReadToolCalls(reply["tool_calls"]);
    rule.finish_reason = "tool_calls";
  }
  if (reply.contains("content")) rule.contents = {reply["content"].get<std::string>()};
  if (reply.contains("contents")) rule.contents = reply["contents"].get<std::vector<std::string>>();
  if (reply.contains("finish_reason")) rule.finish_reason = reply["finish_reason"].get<std::string>();
  if (reply.contains("usage")) rule.usage = reply["usage"].dump();
  if (reply.contains("status")) rule.status = reply["status"].get<int>();
  if (reply.contains("headers")) rule.headers = ReadHeaders(reply["headers"]);
  if (reply.contains("raw_body")) {
    rule.raw_body = std::make_shared<const std::string>(reply["raw_body"].get<std::string>());
  }
  if (rule.status < 200 || rule.status > 599) return absl::InvalidArgumentError("status must be 200 to 599");
  return absl::OkStatus();
}

absl::Status ReadLatency(const json& latency, Rule& rule) {
  if (absl::Status s = CheckKeys(latency, "latency", {"fixed_ms", "lognormal_ms"}); !s.ok()) return s;
  if (latency.contains("fixed_ms")) rule.fixed_latency = Milliseconds(latency["fixed_ms"].get<double>());
  if (latency.contains("lognormal_ms")) {
    const json& parameters = latency["lognormal_ms"];
    if (absl::Status s = CheckKeys(parameters, "lognormal_ms", {"median", "sigma", "seed"}); !s.ok()) return s;
    const double median = parameters.at("median").get<double>();
    const double sigma = parameters.at("sigma").get<double>();
    if (!(median > 0) || !(sigma > 0)) return absl::InvalidArgumentError("median and sigma must be above 0");
    rule.random_latency.emplace(std::log(median), sigma);
    rule.random.seed(parameters.value<uint64_t>("seed", 0));
  }
  return absl::OkStatus();
}

absl::Status ReadFault(const json& spec, Rule& rule) {
  if (spec.contains("fault")) {
    rule.fault = spec["fault"].get<std::string>();
    if (!IsFault(rule.fault)) return absl::InvalidArgumentError(absl::StrCat("there is no fault \"", rule.fault, "\""));
  }
  if (spec.contains("retry_after")) rule.headers.emplace_back("retry-after", spec["retry_after"].get<std::string>());
  if (spec.contains("drip_ms")) rule.drip = Milliseconds(spec["drip_ms"].get<double>());
  if (spec.contains("times")) rule.times = spec["times"].get<int64_t>();
  return absl::OkStatus();
}

Rule DefaultRule(Milliseconds latency) {
  Rule rule;
  rule.contents = {"{{fields}}"};
  rule.finish_reason = "stop";
  rule.fixed_latency = latency;
  return rule;
}

absl::StatusOr<Rule> ReadRule(const json& spec, Milliseconds default_latency) {
  if (absl::Status s =
          CheckKeys(spec, "a rule", {"match", "reply", "latency", "fault", "retry_after", "drip_ms", "times"});
      !s.ok()) {
    return s;
  }
  Rule rule = DefaultRule(default_latency);
  absl::Status status = absl::OkStatus();
  if (spec.contains("match")) status.Update(ReadMatch(spec["match"], rule));
  if (spec.contains("reply")) status.Update(ReadReply(spec["reply"], rule));
  if (spec.contains("latency")) status.Update(ReadLatency(spec["latency"], rule));
  status.Update(ReadFault(spec, rule));
  if (!status.ok()) return status;
  return rule;
}

// A request whose body is read when first asked for.
class LazyChatRequest {
 public:
  explicit LazyChatRequest(absl::string_view body) : body_(body) {}

  const ChatRequest* Get() {
    if (!read_) chat_ = ReadChatRequest(body_);
    read_ = true;
    return chat_.has_value() ? &*chat_ : nullptr;
  }

 private:
  absl::string_view body_;
  bool read_ = false;
  std::optional<ChatRequest> chat_;
};

bool Applies(const Rule& rule, const ModelRequest& request, LazyChatRequest& chat) {
  if (rule.times.has_value() && rule.used >= *rule.times) return false;
  for (const auto& header : rule.match_headers) {
    if (std::find(request.headers->begin(), request.headers->end(), header) == request.headers->end()) return false;
  }
  if (!rule.contains.has_value() && rule.regex == nullptr && !rule.model.has_value()) return true;
  const ChatRequest* body = chat.Get();
  if (body == nullptr) return false;
  return (!rule.model.has_value() || *rule.model == body->model) &&
         (!rule.contains.has_value() || absl::StrContains(body->last_user, *rule.contains)) &&
         (rule.regex == nullptr || RE2::PartialMatch(body->last_user, *rule.regex));
}

std::string ReplyBody(Rule& rule, const ChatRequest& chat, int64_t sequence) {
  Completion completion;
  completion.tool_calls = rule.tool_calls;
  completion.finish_reason = rule.finish_reason;
  completion.usage = rule.usage;
  for (int64_t choice = 0; choice < chat.n; ++choice) {
    if (rule.contents.empty()) {
      completion.contents.push_back(std::nullopt);
      continue;
    }
    const std::string& content = rule.contents[rule.next_content++ % rule.contents.size()];
    completion.contents.push_back(FillTemplate(content, chat, sequence));
  }
  return WriteCompletion(chat, sequence, completion);
}

void SetBody(Answer& answer, std::string body) { answer.body = std::make_shared<const std::string>(std::move(body)); }

void ApplyHttpFault(const HttpFault& fault, Answer& answer) {
  answer.status = fault.status;
  SetBody(answer, WriteError(absl::StrCat("The mock was told to answer ", fault.name, "."), fault.type, fault.code));
}

void ApplyBodyFault(absl::string_view fault, Answer& answer) {
  if (fault == "truncated_json") SetBody(answer, answer.body->substr(0, answer.body->size() / 2));
  if (fault == "malformed_json") SetBody(answer, absl::StrCat("{\"choices\": [}, ", *answer.body));
  if (fault == "wrong_content_type") {
    answer.content_type = "text/html";
    SetBody(answer, "<!doctype html><title>A gateway</title><p>This is not the answer you are looking for.</p>\n");
  }
}

Answer AnswerOf(Rule& rule, const ModelRequest& request, LazyChatRequest& chat) {
  Answer answer;
  answer.headers = rule.headers;
  answer.latency =
      rule.random_latency.has_value() ? Milliseconds((*rule.random_latency)(rule.random)) : rule.fixed_latency;
  answer.drip = rule.drip;
  if (const auto http = FindByName(kHttpFaults, rule.fault); http != kHttpFaults.end()) {
    ApplyHttpFault(*http, answer);
    return answer;
  }
  if (const auto found = FindByName(kDeliveryFaults, rule.fault); found != kDeliveryFaults.end()) {
    answer.delivery = found->delivery;
  }
  answer.status = rule.status;
  if (rule.raw_body != nullptr) {
    answer.body = rule.raw_body;
  } else if (const ChatRequest* body = chat.Get(); body != nullptr) {
    SetBody(answer, ReplyBody(rule, *body, request.sequence));
  } else {
    answer.status = 400;
    SetBody(answer, WriteError("The body must be a JSON object with messages; streams are not answered here.",
                               "invalid_request_error", "invalid_body"));
    return answer;
  }
  ApplyBodyFault(rule.fault, answer);
  return answer;
}

}  // namespace

Script::Script(Milliseconds default_latency) : default_rule_(DefaultRule(default_latency)) {}

absl::StatusOr<Script> Script::Parse(absl::string_view text, Milliseconds default_latency) {
  const json specs = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!specs.is_array()) return absl::InvalidArgumentError("A script is a JSON list of rules.");
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
  LazyChatRequest chat(request.body);
  for (Rule& rule : rules_) {
    if (!Applies(rule, request, chat)) continue;
    ++rule.used;
    return AnswerOf(rule, request, chat);
  }
  return AnswerOf(default_rule_, request, chat);
}

}  // namespace dspex::mock_llm
