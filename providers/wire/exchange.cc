#include "providers/wire/exchange.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/wire/rate_limits.h"

namespace dspex::wire {

namespace {

absl::Status Truncated(const ErrorSource& source) {
  return Error(absl::StatusCode::kUnavailable, reason::kProviderUnreachable,
               absl::StrCat("The provider ", source.provider,
                            " ended its stream before the completion was whole. Try again later."))
      .With("phase", "stream");
}

// Passes on what a stream adds to the completion, one delta for each kind that a piece of the body holds in a row.
class Reader final : public http::EventStreamReader {
 public:
  Reader(const Dialect& dialect, const ErrorSource& source, lm::DeltaSink& sink)
      : dialect_(dialect), source_(source), sink_(sink) {}

  void Begin(const http::Headers& headers) override {
    headers_ = headers;
    decoder_ = dialect_.new_stream_decoder(source_, headers_);
  }
  bool complete() const override { return decoder_->complete(); }

  StatusTask Take(std::string piece) override {
    std::vector<SseEvent> events;
    absl::Status status = parser_.Put(piece, events);
    // What came before the mistake was sound.
    absl::Status decoded = Decode(events);
    if (status.ok()) status = std::move(decoded);
    absl::Status passed = co_await PassOn();
    co_return passed.ok() ? status : passed;
  }

  /// What is left when the body has ended.
  StatusTask End() {
    std::vector<SseEvent> events;
    parser_.End(events);
    absl::Status status = Decode(events);
    absl::Status passed = co_await PassOn();
    co_return passed.ok() ? status : passed;
  }

  bool begun() const { return decoder_ != nullptr; }
  bool finished() const { return begun() && decoder_->finished(); }
  const http::Headers& headers() const { return headers_; }
  lm::Response TakeResponse() { return decoder_->Take(); }

 private:
  absl::Status Decode(const std::vector<SseEvent>& events) {
    for (const SseEvent& event : events) {
      if (decoder_->complete()) break;
      absl::Status status = decoder_->Put(event, deltas_);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  StatusTask PassOn() {
    for (lm::Delta& delta : Joined(std::exchange(deltas_, {}))) {
      absl::Status taken = co_await sink_.Take(std::move(delta));
      if (!taken.ok()) co_return taken;
    }
    co_return absl::OkStatus();
  }

  // Texts that follow each other become one.
  static std::vector<lm::Delta> Joined(std::vector<lm::Delta> deltas) {
    std::vector<lm::Delta> joined;
    for (lm::Delta& delta : deltas) {
      lm::TextDelta* before = joined.empty() ? nullptr : std::get_if<lm::TextDelta>(&joined.back());
      if (const auto* text = std::get_if<lm::TextDelta>(&delta); text != nullptr && before != nullptr) {
        before->text += text->text;
      } else {
        joined.push_back(std::move(delta));
      }
    }
    return joined;
  }

  const Dialect& dialect_;
  const ErrorSource& source_;
  lm::DeltaSink& sink_;
  http::Headers headers_;
  SseParser parser_;
  std::unique_ptr<StreamDecoder> decoder_;
  std::vector<lm::Delta> deltas_;
};

void NoteRateLimits(const http::Headers& headers, lm::Response& response) {
  const std::optional<lm::RateLimits> limits = RateLimitsOf(headers, absl::Now());
  if (limits.has_value()) response.rate_limits = std::make_shared<const lm::RateLimits>(*limits);
}

// A response that came whole.
absl::StatusOr<lm::Response> Decode(http::Response response, const Dialect& dialect, const ErrorSource& source) {
  absl::Status checked = CheckResponse(response, source, dialect.decode_error);
  if (!checked.ok()) return checked;
  absl::StatusOr<lm::Response> decoded = dialect.decode(std::move(response.body));
  const absl::string_view request_id = RequestId(response.headers, source.api_key);
  if (!decoded.ok()) {
    return WithMetadata(WithSource(decoded.status(), source, request_id), "http_status", absl::StrCat(response.status));
  }
  decoded->provider_request_id = std::string(request_id);
  NoteRateLimits(response.headers, *decoded);
  return decoded;
}

bool OfTheProvider(const absl::Status& status) {
  const std::string reason = ErrorReason(status);
  return reason == reason::kProviderUnreachable || reason == reason::kProviderTimeout ||
         reason == reason::kProviderMalformed;
}

// How a stream that had begun ended.
Task<lm::Response> FinishStream(Reader& reader, absl::Status status, const ErrorSource& source) {
  if (status.ok()) status = co_await reader.End();
  // Behind the completion's end nothing is worth failing for.
  if (reader.finished() && OfTheProvider(status)) status = absl::OkStatus();
  if (status.ok() && !reader.finished()) status = Truncated(source);
  const absl::string_view request_id = RequestId(reader.headers(), source.api_key);
  if (!status.ok()) co_return WithSource(status, source, request_id);
  lm::Response response = reader.TakeResponse();
  response.provider_request_id = std::string(request_id);
  NoteRateLimits(reader.headers(), response);
  co_return response;
}

Task<lm::Response> ExchangeStream(http::Client& client, RequestContext context, absl::string_view head,
                                  absl::Span<const absl::string_view> body, const Dialect& dialect,
                                  const ErrorSource& source) {
  Reader reader(dialect, source, *context.deltas());
  absl::StatusOr<http::Response> response = co_await client.Post(context, head, body, &reader);
  if (reader.begun()) co_return co_await FinishStream(reader, response.status(), source);
  if (!response.ok()) co_return WithSource(response.status(), source, "");
  absl::StatusOr<lm::Response> decoded = Decode(*std::move(response), dialect, source);
  if (!decoded.ok()) co_return decoded;
  absl::Status put = co_await lm::PutWhole(*decoded, *context.deltas());
  if (!put.ok()) co_return put;
  co_return decoded;
}

}  // namespace

Task<lm::Response> Exchange(http::Client& client, RequestContext context, absl::string_view head,
                            absl::Span<const absl::string_view> body, const Dialect& dialect,
                            const ErrorSource& source) {
  if (context.deltas() != nullptr) co_return co_await ExchangeStream(client, context, head, body, dialect, source);
  absl::StatusOr<http::Response> response = co_await client.Post(context, head, body);
  if (!response.ok()) co_return WithSource(response.status(), source, "");
  co_return Decode(*std::move(response), dialect, source);
}

}  // namespace dspex::wire
