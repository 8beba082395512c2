#include "tests/mock_llm/faults.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <array>

#include "tests/mock_llm/wording.h"

namespace dspex::mock_llm {
namespace {

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

constexpr std::array<absl::string_view, 4> kAnswerFaults = {"truncated_json", "malformed_json", "wrong_content_type",
                                                            "redirect"};
constexpr std::array<absl::string_view, 3> kStreamFaults = {"error_in_stream", "malformed_event", "truncated_stream"};

template <typename Table>
bool Holds(const Table& table, absl::string_view name) {
  return std::find(table.begin(), table.end(), name) != table.end();
}

const DeliveryFault* FindDelivery(absl::string_view name) {
  const auto* const found = std::find_if(kDeliveryFaults.begin(), kDeliveryFaults.end(),
                                         [&](const auto& entry) { return entry.name == name; });
  return found == kDeliveryFaults.end() ? nullptr : found;
}

}  // namespace

bool IsFault(absl::string_view name) {
  return OpenAiFailure(name).has_value() || FindDelivery(name) != nullptr || Holds(kAnswerFaults, name) ||
         Holds(kStreamFaults, name);
}

Delivery DeliveryOf(absl::string_view fault) {
  const DeliveryFault* const found = FindDelivery(fault);
  return found == nullptr ? Delivery::kWhole : found->delivery;
}

bool ReplaceAnswer(absl::string_view fault, const Dialect& dialect, int64_t sequence, Answer& answer) {
  if (const auto failure = dialect.FailureOf(fault); failure.has_value()) {
    answer.status = failure->status;
    const std::string message =
        failure->message.empty() ? absl::StrCat("The mock was told to answer ", fault, ".") : failure->message;
    SetBody(answer, dialect.WriteError(*failure, message, sequence));
    return true;
  }
  if (fault == "wrong_content_type") {
    answer.content_type = "text/html";
    SetBody(answer, "<!doctype html><title>A gateway</title><p>This is not the answer you are looking for.</p>\n");
    return true;
  }
  if (fault == "redirect") {
    answer.status = 307;
    // To the mock itself: its record shows a client that follows.
    answer.headers.emplace_back("location", "/redirected/v1/chat/completions");
    SetBody(answer, "");
    return true;
  }
  return false;
}

void BreakBody(absl::string_view fault, Answer& answer) {
  if (fault == "truncated_json") SetBody(answer, answer.body->substr(0, answer.body->size() / 2));
  if (fault == "malformed_json") SetBody(answer, absl::StrCat("{\"choices\": [}, ", *answer.body));
}

void BreakEvents(absl::string_view fault, const Dialect& dialect, int64_t sequence, const StreamShape& shape,
                 std::vector<Event>& events) {
  const size_t at = FaultPosition(events, shape);
  if (fault == "truncated_stream" || fault == "error_in_stream") events.resize(at);
  if (fault == "error_in_stream") events.push_back(dialect.ErrorEvent(sequence, at));
  if (fault == "malformed_event" || fault == "malformed_json" || fault == "truncated_json") {
    if (at == events.size()) events.emplace_back();
    // The first half of an object is no JSON, nor is the first half of [DONE].
    Event& broken = events[at];
    broken.data = broken.data.empty() ? "{" : broken.data.substr(0, (broken.data.size() + 1) / 2);
  }
}

}  // namespace dspex::mock_llm
