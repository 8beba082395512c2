// The floor that dspex is measured against: no product code. README.md of this folder says what each call stands for.

#include <absl/status/statusor.h>
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "floor.grpc.pb.h"
#include "tests/bench/floor_client.h"

namespace dspex::bench {
namespace {

namespace asio = boost::asio;

// One thread with its event loop and its connections.
class Worker {
 public:
  Worker(asio::ip::tcp::endpoint endpoint, const std::string& target)
      : work_(context_.get_executor()),
        client_(context_, std::move(endpoint), target),
        thread_([this] { context_.run(); }) {}
  ~Worker() {
    context_.stop();
    thread_.join();
  }

  asio::io_context& context() { return context_; }
  FloorClient& client() { return client_; }

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  FloorClient client_;
  std::thread thread_;
};

using Frame = std::shared_ptr<const BodyFrame>;

// A call of Equipped: the client's cancellation reaches the operation on the socket.
class EquippedCall : public grpc::ServerUnaryReactor, public std::enable_shared_from_this<EquippedCall> {
 public:
  static grpc::ServerUnaryReactor* Start(Worker& worker, Frame frame, const FloorRequest* request,
                                         FloorResponse* response) {
    auto call = std::make_shared<EquippedCall>(worker, std::move(frame));
    call->self_ = call;
    asio::co_spawn(worker.context(), Run(call, request, response),
                   asio::bind_cancellation_slot(call->cancel_.slot(), asio::detached));
    return call.get();
  }

  EquippedCall(Worker& worker, Frame frame) : worker_(worker), frame_(std::move(frame)) {}

  void OnCancel() override {
    asio::post(worker_.context(),
               [self = shared_from_this()] { self->cancel_.emit(asio::cancellation_type::terminal); });
  }
  void OnDone() override { self_.reset(); }

 private:
  static asio::awaitable<void> Run(std::shared_ptr<EquippedCall> call, const FloorRequest* request,
                                   FloorResponse* response) {
    auto posting = call->worker_.client().PostEquipped(*call->frame_, request->text());
    absl::StatusOr<std::string> content = co_await std::move(posting);
    if (content.ok()) {
      response->set_text(*std::move(content));
      call->Finish(grpc::Status::OK);
    } else {
      call->Finish(grpc::Status(static_cast<grpc::StatusCode>(content.status().code()),
                                std::string(content.status().message())));
    }
  }

  Worker& worker_;
  Frame frame_;
  asio::cancellation_signal cancel_;
  std::shared_ptr<EquippedCall> self_;
};

class FloorServer final : public FloorService::CallbackService {
 public:
  FloorServer(const asio::ip::tcp::endpoint& endpoint, const std::string& target, int threads) {
    for (int i = 0; i < threads; ++i) workers_.push_back(std::make_unique<Worker>(endpoint, target));
  }

  grpc::ServerUnaryReactor* Configure(grpc::CallbackServerContext* context, const ConfigureRequest* request,
                                      ConfigureResponse*) override {
    auto frame = std::make_shared<const BodyFrame>(BodyFrame{request->prefix(), request->suffix()});
    {
      const std::lock_guard lock(mutex_);
      frame_ = std::move(frame);
    }
    return Finish(context);
  }

  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const FloorRequest* request,
                                 FloorResponse* response) override {
    response->set_text(request->text());
    return Finish(context);
  }

  grpc::ServerUnaryReactor* Raw(grpc::CallbackServerContext* context, const FloorRequest* request,
                                FloorResponse* response) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    Worker& worker = NextWorker();
    asio::co_spawn(worker.context(), RunRaw(worker, CurrentFrame(), request, response, reactor), asio::detached);
    return reactor;
  }

  grpc::ServerUnaryReactor* Equipped(grpc::CallbackServerContext*, const FloorRequest* request,
                                     FloorResponse* response) override {
    return EquippedCall::Start(NextWorker(), CurrentFrame(), request, response);
  }

 private:
  static grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  static asio::awaitable<void> RunRaw(Worker& worker, Frame frame, const FloorRequest* request, FloorResponse* response,
                                      grpc::ServerUnaryReactor* reactor) {
    try {
      auto posting = worker.client().PostRaw(*frame, request->text());
      response->set_text(co_await std::move(posting));
      reactor->Finish(grpc::Status::OK);
    } catch (const std::exception& error) {
      reactor->Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, error.what()));
    }
  }

  Worker& NextWorker() { return *workers_[next_worker_++ % workers_.size()]; }

  Frame CurrentFrame() {
    const std::lock_guard lock(mutex_);
    return frame_;
  }

  std::mutex mutex_;
  Frame frame_ = std::make_shared<const BodyFrame>();
  std::atomic<unsigned> next_worker_ = 0;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace
}  // namespace dspex::bench

int main(int argc, char** argv) {
  int mock_port = 0;
  int threads = static_cast<int>(std::thread::hardware_concurrency());
  CLI::App app("The floor for dspex's benchmarks.");
  app.add_option("--mock-port", mock_port, "Port of the mock on 127.0.0.1.")->required();
  app.add_option("--threads", threads, "I/O threads; as many as the product's default.")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);

  const boost::asio::ip::tcp::endpoint mock(boost::asio::ip::address_v4::loopback(), static_cast<uint16_t>(mock_port));
  dspex::bench::FloorServer service(mock, "/v1/chat/completions", threads);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::cout << "{\"port\": " << port << "}" << std::endl;
  // Ends with its parent: the end of standard input.
  while (std::cin.get() != EOF) {
  }
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}
