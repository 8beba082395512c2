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

 private:
  std::vector<Message> messages_;
  std::uint64_t id_;
  bool reusable_;
};

/// Sampling settings; what is unset is not sent.
struct Options {
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<int> max_tokens;
  std::vector<std::string> stop;
  std::optional<long long> seed;
  std::optional<double> frequency_penalty;
  std::optional<double> presence_penalty;
};

/// A request in no provider's dialect. The options are a module's and shared by its requests, like the prefix.
struct Request {
  std::shared_ptr<const Prefix> prefix;
  std::vector<Message> turns;
  std::shared_ptr<const Options> options;
};

enum class FinishReason { kStop, kLength, kToolCalls, kContentFilter, kOther };

struct Completion {
  std::string text;
  std::vector<ToolCallPart> tool_calls;
  FinishReason finish_reason = FinishReason::kStop;
};

struct Response {
  std::vector<Completion> completions;
  Usage usage;
  /// The model that answered, as the provider names it.
  std::string model;
  /// The provider's own id of the request, empty if it gave none.
  std::string provider_request_id;
  /// Tries at providers that it took.
  int attempts = 1;
};

/// A request as it would be sent, without credentials.
struct RenderedRequest {
  std::string url;
  std::string body;
};

/// What a model takes.
struct Capabilities {
  bool images = false;
  bool json_schema = false;
  bool tools = false;
};

/// The one outbound port of the engine. Implementations are thread-safe.
class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  /// Calls the model. Text deltas go to the context's sink if there is one. Ends by the context's deadline; the
  /// coroutine's cancellation ends the exchange and closes its socket. The request must outlive the returned task.
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
