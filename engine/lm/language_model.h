#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/task.h"
#include "engine/lm/message.h"
#include "engine/lm/rate_limits.h"
#include "engine/lm/token_logprob.h"

namespace dspex::lm {

/// The turns that every request of a program's revision begins with: system text and demos. Immutable and shared, so
/// that a provider can keep its encoded form by `id`.
class Prefix {
 public:
  /// A prefix that only one request uses (an inline program's) is not `reusable`: encoding it for others would be
  /// waste.
  explicit Prefix(std::vector<Message> messages, bool reusable = true);

  const std::vector<Message>& messages() const { return messages_; }
  /// Unique in this process.
  std::uint64_t id() const { return id_; }
  bool reusable() const { return reusable_; }
  const PromptSize& size() const { return size_; }

 private:
  std::vector<Message> messages_;
  std::uint64_t id_;
  bool reusable_;
  PromptSize size_;
};

/// What form an answer is to have.
struct ResponseFormat {
  enum class Kind { kText, kJsonObject, kJsonSchema };
  Kind kind = Kind::kText;
  /// kJsonSchema: the schema's name, and the schema as a JSON text.
  std::string name = {};
  std::shared_ptr<const std::string> schema = {};

  bool operator==(const ResponseFormat&) const = default;
};

/// A function that the model may call.
struct ToolSpec {
  std::string name;
  /// As a JSON text: a string, or the null that DSPy gives a tool without one; empty if there is none.
  std::string description;
  /// A JSON Schema of its arguments, as text.
  std::string parameters;

  bool operator==(const ToolSpec&) const = default;
};

/// Sampling settings and what else is the same for all requests of a module; what is unset is not sent.
struct Options {
  std::optional<double> temperature = {};
  std::optional<double> top_p = {};
  std::optional<int> max_tokens = {};
  std::vector<std::string> stop = {};
  std::optional<long long> seed = {};
  std::optional<double> frequency_penalty = {};
  std::optional<double> presence_penalty = {};
  std::optional<std::string> reasoning_effort = {};
  ResponseFormat response_format = {};
  std::vector<ToolSpec> tools = {};
  std::optional<bool> parallel_tool_calls = {};
  /// Whether the provider keeps the answer, where its API has a choice.
  std::optional<bool> store = {};
  /// Whether the log probabilities of the completion's tokens are asked for, and of how many others at each place.
  std::optional<bool> logprobs = {};
  std::optional<int> top_logprobs = {};
  /// Tells runs of the same request apart in caches; never sent.
  std::optional<long long> rollout_id = {};

  bool operator==(const Options&) const = default;
};

/// A request in no provider's dialect. The options are a module's and shared by its requests, like the prefix.
struct Request {
  std::shared_ptr<const Prefix> prefix;
  std::vector<Message> turns;
  std::shared_ptr<const Options> options;
};

enum class FinishReason { kStop, kLength, kToolCalls, kContentFilter, kRefusal, kOther };

struct Completion {
  std::string text = {};
  std::vector<ToolCallPart> tool_calls = {};
  FinishReason finish_reason = FinishReason::kStop;
  /// What a reasoning model thought, where the provider tells.
  std::optional<std::string> reasoning = {};
  /// The same as the provider wants it back when the conversation goes on: opaque, perhaps signed.
  std::vector<ReasoningPart> reasoning_parts = {};
  /// Of the tokens of `text`, where they were asked for and the provider gives them.
  std::vector<TokenLogprob> logprobs = {};
};

struct Response {
  std::vector<Completion> completions;
  Usage usage;
  /// The model that answered, as the provider names it.
  std::string model;
  /// The provider's own id of the request, empty if it gave none.
  std::string provider_request_id;
  /// Tries at providers that it took; 0 for one from a cache.
  int attempts = 1;
  /// What the provider says of its limits; null if it does not. Apart, as responses are moved from frame to frame.
  std::shared_ptr<const RateLimits> rate_limits = {};
  /// Which entry of a chain of fallbacks answered, from 0.
  int entry = 0;
  /// Answered without a call, by what an equal one was answered before. Its usage is zero.
  bool from_cache = false;
};

/// A request as it would be sent, without credentials.
struct RenderedRequest {
  std::string url;
  std::string body;
};

/// What a model takes.
struct Capabilities {
  bool images = false;
  /// Options::response_format: JSON mode, or with `json_schema` a schema too.
  bool response_format = false;
  bool json_schema = false;
  bool tools = false;
  /// Options::reasoning_effort; its answers carry their reasoning apart.
  bool reasoning = false;

  bool operator==(const Capabilities&) const = default;
};

/// The one outbound port of the engine. Implementations are thread-safe.
class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  /// Calls the model. If the context has a sink for deltas, the completion (one is asked for then) also goes there as
  /// it comes. Ends by the context's deadline; the coroutine's cancellation ends the exchange and closes its socket.
  /// The request must outlive the returned task.
  virtual Task<Response> Generate(RequestContext context, const Request& request) = 0;

  /// The exact bytes that Generate would send first.
  virtual absl::StatusOr<RenderedRequest> Render(const Request& request) const = 0;

  /// "provider/model".
  virtual const std::string& name() const = 0;

  virtual Capabilities capabilities() const = 0;
};

/// Finds language models by name. Thread-safe.
class LanguageModels {
 public:
  virtual ~LanguageModels() = default;

  /// The model "provider/model". FAILED_PRECONDITION / UNKNOWN_PROVIDER if no such provider is configured,
  /// INVALID_ARGUMENT / INVALID_REQUEST if the name has another form.
  virtual absl::StatusOr<std::shared_ptr<LanguageModel>> Find(absl::string_view name) = 0;
};

}  // namespace dspex::lm
