#include "tests/mock_llm/rule.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/mock_llm/faults.h"

namespace dspex::mock_llm {
namespace {

using nlohmann::json;

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

template <typename T>
void Take(const json& object, const char* key, T& value) {
  if (const auto found = object.find(key); found != object.end()) value = found->get<T>();
}

template <typename T>
void Take(const json& object, const char* key, std::optional<T>& value) {
  if (const auto found = object.find(key); found != object.end()) value = found->get<T>();
}

void Take(const json& object, const char* key, Milliseconds& value) {
  if (const auto found = object.find(key); found != object.end()) value = Milliseconds(found->get<double>());
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
  Take(match, "contains", rule.contains);
  Take(match, "model", rule.model);
  if (match.contains("header")) rule.match_headers = ReadHeaders(match["header"]);
  if (match.contains("regex")) {
    rule.regex = std::make_unique<RE2>(match["regex"].get<std::string>(), RE2::Quiet);
    if (!rule.regex->ok()) return absl::InvalidArgumentError(absl::StrCat("regex: ", rule.regex->error()));
  }
  return absl::OkStatus();
}

std::vector<ToolCall> ReadToolCalls(const json& calls) {
  std::vector<ToolCall> tools;
  for (const json& call : calls) {
    const json& arguments = call.at("arguments");
    tools.push_back(
        {call.at("name").get<std::string>(), arguments.is_string() ? arguments.get<std::string>() : arguments.dump()});
  }
  return tools;
}

absl::Status ReadReply(const json& reply, Rule& rule) {
  if (absl::Status s = CheckKeys(reply, "reply",
                                 {"content", "contents", "tool_calls", "reasoning", "refusal", "finish_reason", "usage",
                                  "logprobs", "status", "headers", "raw_body"});
      !s.ok()) {
    return s;
  }
  Take(reply, "reasoning", rule.reasoning);
  Take(reply, "refusal", rule.refusal);
  if (!rule.refusal.empty()) rule.contents.clear();
  if (reply.contains("tool_calls")) {
    rule.contents.clear();
    rule.tool_calls = ReadToolCalls(reply["tool_calls"]);
    rule.finish_reason = "tool_calls";
  }
  if (reply.contains("content")) rule.contents = {reply["content"].get<std::string>()};
  Take(reply, "contents", rule.contents);
  Take(reply, "finish_reason", rule.finish_reason);
  Take(reply, "status", rule.status);
  if (reply.contains("usage")) rule.usage = reply["usage"].dump();
  if (reply.contains("logprobs")) rule.logprobs = reply["logprobs"].dump();
  if (reply.contains("headers")) rule.headers = ReadHeaders(reply["headers"]);
  if (reply.contains("raw_body")) {
    rule.raw_body = std::make_shared<const std::string>(reply["raw_body"].get<std::string>());
  }
  if (rule.status < 200 || rule.status > 599) return absl::InvalidArgumentError("status must be 200 to 599");
  return absl::OkStatus();
}

absl::Status ReadLatency(const json& latency, Rule& rule) {
  if (absl::Status s = CheckKeys(latency, "latency", {"fixed_ms", "lognormal_ms"}); !s.ok()) return s;
  Take(latency, "fixed_ms", rule.fixed_latency);
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
  Take(spec, "fault", rule.fault);
  if (spec.contains("fault") && !IsFault(rule.fault)) {
    return absl::InvalidArgumentError(absl::StrCat("there is no fault \"", rule.fault, "\""));
  }
  if (spec.contains("retry_after")) rule.headers.emplace_back("retry-after", spec["retry_after"].get<std::string>());
  Take(spec, "drip_ms", rule.drip);
  Take(spec, "times", rule.times);
  return absl::OkStatus();
}

absl::Status ReadShape(const json& spec, Rule& rule) {
  StreamShape& shape = rule.shape;
  Take(spec, "chunk_chars", shape.chunk_chars);
  Take(spec, "chunk_bytes", shape.chunk_bytes);
  Take(spec, "chunk_interval_ms", shape.interval);
  Take(spec, "crlf", shape.crlf);
  Take(spec, "keep_alives", shape.keep_alives);
  Take(spec, "no_done", shape.no_done);
  Take(spec, "no_finish_reason", shape.no_finish_reason);
  Take(spec, "no_chunked", shape.no_chunked);
  Take(spec, "no_usage", rule.no_usage);
  Take(spec, "chunked", rule.chunked);
  Take(spec, "hold_after_events", shape.hold_after_events);
  Take(spec, "fault_after_events", shape.fault_after_events);
  if (shape.chunk_chars == 0) return absl::InvalidArgumentError("chunk_chars must be above 0");
  return absl::OkStatus();
}

}  // namespace

Rule DefaultRule(Milliseconds latency) {
  Rule rule;
  rule.contents = {"{{fields}}"};
  rule.finish_reason = "stop";
  rule.fixed_latency = latency;
  return rule;
}

absl::StatusOr<RateLimits> ReadRateLimits(const json& spec) {
  if (absl::Status s = CheckKeys(
          spec, "rate_limit",
          {"requests_per_minute", "tokens_per_minute", "input_tokens_per_minute", "output_tokens_per_minute"});
      !s.ok()) {
    return s;
  }
  RateLimits limits;
  Take(spec, "requests_per_minute", limits.requests);
  Take(spec, "tokens_per_minute", limits.tokens);
  Take(spec, "input_tokens_per_minute", limits.input_tokens);
  Take(spec, "output_tokens_per_minute", limits.output_tokens);
  for (const auto& limit : {limits.requests, limits.tokens, limits.input_tokens, limits.output_tokens}) {
    if (limit.has_value() && !(*limit > 0)) return absl::InvalidArgumentError("a rate limit must be above 0");
  }
  return limits;
}

absl::StatusOr<Rule> ReadRule(const json& spec, Milliseconds default_latency) {
  if (absl::Status s = CheckKeys(spec, "a rule",
                                 {"match",
                                  "reply",
                                  "latency",
                                  "fault",
                                  "retry_after",
                                  "drip_ms",
                                  "times",
                                  "chunk_chars",
                                  "chunk_bytes",
                                  "chunk_interval_ms",
                                  "crlf",
                                  "keep_alives",
                                  "no_done",
                                  "no_usage",
                                  "no_finish_reason",
                                  "no_chunked",
                                  "hold_after_events",
                                  "fault_after_events",
                                  "rate_limit",
                                  "chunked"});
      !s.ok()) {
    return s;
  }
  Rule rule = DefaultRule(default_latency);
  absl::Status status = absl::OkStatus();
  if (spec.contains("match")) status.Update(ReadMatch(spec["match"], rule));
  if (spec.contains("reply")) status.Update(ReadReply(spec["reply"], rule));
  if (spec.contains("latency")) status.Update(ReadLatency(spec["latency"], rule));
  status.Update(ReadFault(spec, rule));
  status.Update(ReadShape(spec, rule));
  if (spec.contains("rate_limit")) {
    const absl::StatusOr<RateLimits> limits = ReadRateLimits(spec["rate_limit"]);
    status.Update(limits.status());
    if (limits.ok()) rule.limiter.emplace(*limits);
  }
  if (!status.ok()) return status;
  return rule;
}

}  // namespace dspex::mock_llm
