#include "engine/module/completion_end.h"

#include <absl/strings/cord.h>
#include <absl/strings/str_cat.h>

#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

namespace {

// What to do about a completion that does not parse, if how it ended says so.
absl::string_view Advice(lm::FinishReason reason) {
  switch (reason) {
    case lm::FinishReason::kLength:
      return " The completion was cut off at its limit: raise max_tokens.";
    case lm::FinishReason::kContentFilter:
      return " The provider's content filter ended the completion.";
    default:
      return "";
  }
}

}  // namespace

absl::string_view FinishReasonName(lm::FinishReason reason) {
  switch (reason) {
    case lm::FinishReason::kStop:
      return "stop";
    case lm::FinishReason::kLength:
      return "length";
    case lm::FinishReason::kToolCalls:
      return "tool_calls";
    case lm::FinishReason::kContentFilter:
      return "content_filter";
    case lm::FinishReason::kRefusal:
      return "refusal";
    case lm::FinishReason::kOther:
      break;
  }
  return "other";
}

absl::Status WithFinishReason(const absl::Status& error, lm::FinishReason reason) {
  absl::Status result(error.code(), absl::StrCat(error.message(), Advice(reason)));
  error.ForEachPayload(
      [&result](absl::string_view type_url, const absl::Cord& payload) { result.SetPayload(type_url, payload); });
  return WithMetadata(std::move(result), "finish_reason", FinishReasonName(reason));
}

absl::Status CheckEnd(lm::FinishReason reason) {
  switch (reason) {
    case lm::FinishReason::kLength:
      return Error(absl::StatusCode::kDataLoss, reason::kCompletionTruncated,
                   "The completion was cut off at its limit of tokens. Raise max_tokens, or ask for less.")
          .With("finish_reason", FinishReasonName(reason));
    case lm::FinishReason::kContentFilter:
      return Error(absl::StatusCode::kInvalidArgument, reason::kContentFiltered,
                   "The provider's content filter ended the completion. Change the inputs that it objects to.")
          .With("finish_reason", FinishReasonName(reason));
    case lm::FinishReason::kRefusal:
      return Error(absl::StatusCode::kInvalidArgument, reason::kModelRefused,
                   "The language model refused to answer. Change the inputs that it objects to, or use another model.")
          .With("finish_reason", FinishReasonName(reason));
    default:
      return absl::OkStatus();
  }
}

}  // namespace dspex
