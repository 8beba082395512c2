#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/bench/targets.h"

namespace dspex::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::microseconds kPollInterval{200};
constexpr std::chrono::seconds kPatience{30};

bool TakesConnections(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool connected = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return connected;
}

// grpc.health.v1.Health.Check of the whole server, by hand: an empty request; {status: SERVING} is the bytes 08 01.
bool IsServing(grpc::GenericStub& stub) {
  grpc::ClientContext context;
  const grpc::Slice nothing;
  const grpc::ByteBuffer request(&nothing, 1);  // A message without bytes; a buffer without a slice is none.
  grpc::ByteBuffer response;
  grpc::Status status;
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", {}, &request, &response, [&](const grpc::Status& result) {
    const std::lock_guard lock(mutex);
    status = result;
    done = true;
    ended.notify_one();
  });
  std::unique_lock lock(mutex);
  ended.wait(lock, [&] { return done; });
  grpc::Slice bytes;
  return status.ok() && response.DumpToSingleSlice(&bytes).ok() && bytes.size() == 2 && bytes.begin()[0] == 8 &&
         bytes.begin()[1] == 1;
}

}  // namespace

absl::StatusOr<int64_t> WaitUntilReady(const std::string& target) {
  uint32_t port = 0;
  if (!absl::SimpleAtoi(target.substr(target.find(':') + 1), &port)) {
    return absl::InvalidArgumentError(absl::StrCat(target, " is not 127.0.0.1:PORT."));
  }
  const auto give_up = steady_clock::now() + kPatience;
  // By a plain socket first: a gRPC channel that is refused once waits a second before it tries again.
  while (!TakesConnections(static_cast<uint16_t>(port))) {
    if (steady_clock::now() > give_up) return absl::DeadlineExceededError("The server takes no connections.");
    std::this_thread::sleep_for(kPollInterval);
  }
  grpc::GenericStub stub(Connect(target, 1)[0]);
  while (!IsServing(stub)) {
    if (steady_clock::now() > give_up) return absl::DeadlineExceededError("The server is not SERVING.");
    std::this_thread::sleep_for(kPollInterval);
  }
  return std::chrono::nanoseconds(steady_clock::now().time_since_epoch()).count();
}

}  // namespace dspex::bench
