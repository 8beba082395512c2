#include "tests/bench/streams.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "dspex/v1/prediction_service.grpc.pb.h"

namespace dspex::bench {
namespace {

using std::chrono::steady_clock;
using Microseconds = std::chrono::duration<float, std::micro>;

// A ForwardStream in flight; deletes itself when it has ended.
class StreamCall final : public grpc::ClientReadReactor<v1::ForwardStreamResponse> {
 public:
  static void Start(v1::PredictionService::Stub& stub, v1::ForwardStreamRequest request, int64_t n, FirstPieces& pieces,
                    std::function<void(const grpc::Status&)> done) {
    auto* call = new StreamCall(std::move(request), n, pieces, std::move(done));
    stub.async()->ForwardStream(&call->context_, &call->request_, call);
    call->StartRead(&call->event_);
    call->StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (event_.has_field_delta()) {
      ++deltas_;
      if (deltas_ == 1) stamped_ = pieces_.Note(n_, begin_, event_.field_delta().text());
    }
    predicted_ = event_.has_prediction();
    StartRead(&event_);
  }

  void OnDone(const grpc::Status& status) override {
    pieces_.count += deltas_;
    if (!status.ok()) {
      done_(status);
    } else if (!stamped_ || !predicted_) {
      done_(grpc::Status(grpc::StatusCode::INTERNAL, stamped_ ? "no prediction" : "no time in the first piece"));
    } else {
      done_(status);
    }
    delete this;
  }

 private:
  StreamCall(v1::ForwardStreamRequest request, int64_t n, FirstPieces& pieces,
             std::function<void(const grpc::Status&)> done)
      : request_(std::move(request)), n_(n), pieces_(pieces), done_(std::move(done)) {}

  grpc::ClientContext context_;
  const v1::ForwardStreamRequest request_;
  v1::ForwardStreamResponse event_;
  const int64_t n_;
  FirstPieces& pieces_;
  const std::function<void(const grpc::Status&)> done_;
  const steady_clock::time_point begin_ = steady_clock::now();
  int64_t deltas_ = 0;
  bool stamped_ = false;
  bool predicted_ = false;
};

}  // namespace

bool FirstPieces::Note(int64_t n, steady_clock::time_point begin, absl::string_view text) {
  const steady_clock::time_point now = steady_clock::now();
  const auto* end = std::find_if_not(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  int64_t sent_ns = 0;
  if (!absl::SimpleAtoi(text.substr(0, static_cast<size_t>(end - text.begin())), &sent_ns)) return false;
  delays_us_[static_cast<size_t>(n)] = Microseconds(now.time_since_epoch() - std::chrono::nanoseconds(sent_ns)).count();
  waits_us_[static_cast<size_t>(n)] = Microseconds(now - begin).count();
  return true;
}

StartRequest StreamRequests(const Channels& channels, const std::string& program, FirstPieces& pieces) {
  std::vector<std::shared_ptr<v1::PredictionService::Stub>> stubs;
  for (const auto& channel : channels) stubs.push_back(v1::PredictionService::NewStub(channel));
  return [stubs = std::move(stubs), name = absl::StrCat("programs/", program), &pieces](int64_t n, auto done) {
    v1::ForwardStreamRequest request;
    request.set_program(name);
    (*request.mutable_inputs()->mutable_fields())["question"].set_string_value(Question(n));
    StreamCall::Start(*stubs[static_cast<size_t>(n) % stubs.size()], std::move(request), n, pieces, std::move(done));
  };
}

}  // namespace dspex::bench
