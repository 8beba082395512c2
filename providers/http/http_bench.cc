// CPU that an exchange costs the client's thread, from the kernel's accounting: the pooled client beside a bare loop of
// Beast's async_write and async_read on one socket. The peer answers at once and runs on a thread of its own.
//
//     bazel run //providers/http:http_bench [concurrency [request bytes [response bytes]]]
#include <sys/resource.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "providers/http/client.h"

namespace dspex::http {
namespace {

namespace beast = boost::beast;
using tcp = asio::ip::tcp;
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> Serve(tcp::socket socket, const std::string& answer) {
  socket.set_option(tcp::no_delay(true));
  std::string buffer(1 << 20, '\0');
  std::size_t have = 0;
  std::size_t want = 0;
  for (;;) {
    auto [ec, size] = co_await socket.async_read_some(asio::buffer(buffer) + have, kToken);
    if (ec) co_return;
    have += size;
    if (want == 0) {
      const std::size_t end = buffer.find("\r\n\r\n");
      const std::size_t length = buffer.find("Content-Length: ");
      want = end + 4 + std::strtoul(buffer.c_str() + length + 16, nullptr, 10);
    }
    if (have < want) continue;
    have = want = 0;
    auto [write_ec, written] = co_await asio::async_write(socket, asio::buffer(answer), kToken);
    if (write_ec) co_return;
  }
}

asio::awaitable<void> Accept(tcp::acceptor& acceptor, const std::string& answer) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  for (;;) {
    auto [ec, socket] = co_await acceptor.async_accept(kToken);
    if (ec) co_return;
    asio::co_spawn(executor, Serve(std::move(socket), answer), asio::detached);
  }
}

asio::awaitable<void> BareLoop(tcp::endpoint peer, const std::string& body, int exchanges) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  tcp::socket socket(executor);
  co_await socket.async_connect(peer, kToken);
  socket.set_option(tcp::no_delay(true));
  beast::flat_buffer buffer;
  beast::http::request<beast::http::string_body> request(beast::http::verb::post, "/v1/chat/completions", 11);
  request.set(beast::http::field::host, "127.0.0.1");
  request.set(beast::http::field::authorization, "Bearer key");
  request.set(beast::http::field::content_type, "application/json");
  for (int i = 0; i < exchanges; ++i) {
    request.body() = body;
    request.prepare_payload();
    co_await beast::http::async_write(socket, request, kToken);
    beast::http::response<beast::http::string_body> response;
    auto [ec, size] = co_await beast::http::async_read(socket, buffer, response, kToken);
    if (ec || response.result_int() != 200) std::abort();
  }
}

asio::awaitable<void> ClientLoop(Client* client, const std::string& head, const std::string& body, int exchanges,
                                 int* running) {
  const absl::string_view pieces[] = {body};
  for (int i = 0; i < exchanges; ++i) {
    RequestRecord record;
    absl::StatusOr<Response> response =
        co_await client->Post(RequestContext(record, Clock::now() + std::chrono::seconds(30)), head, pieces);
    if (!response.ok() || response->status != 200) std::abort();
  }
  if (--*running == 0) client->Close();
}

double ThreadCpuMicros() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  const auto micros = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

template <typename Start>
double CpuPerExchange(int concurrency, int exchanges, const Start& start) {
  asio::io_context context(1);
  for (int i = 0; i < concurrency; ++i) start(context);
  const double begin = ThreadCpuMicros();
  context.run();
  return (ThreadCpuMicros() - begin) / (static_cast<double>(exchanges) * concurrency);
}

int Main(int argc, char** argv) {
  const int concurrency = argc > 1 ? std::atoi(argv[1]) : 64;
  const std::string body(argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1000, 'q');
  const std::string text(argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 700, 'a');
  const int exchanges = 100'000 / concurrency;
  const std::string answer =
      "HTTP/1.1 200 OK\r\nServer: peer\r\nContent-Type: application/json\r\nX-Request-Id: "
      "req_0123456789\r\nContent-Length: " +
      std::to_string(text.size()) + "\r\n\r\n" + text;

  asio::io_context peer_context(1);
  tcp::acceptor acceptor(peer_context, {asio::ip::make_address("127.0.0.1"), 0});
  const tcp::endpoint peer = acceptor.local_endpoint();
  asio::co_spawn(peer_context, Accept(acceptor, answer), asio::detached);
  std::thread peer_thread([&] { peer_context.run(); });

  for (int round = 0; round < 5; ++round) {
    const double bare = CpuPerExchange(concurrency, exchanges, [&](asio::io_context& context) {
      asio::co_spawn(context, BareLoop(peer, body, exchanges), asio::detached);
    });
    ClientOptions options;
    options.base_url = "http://127.0.0.1:" + std::to_string(peer.port()) + "/v1";
    options.max_connections = concurrency;
    std::unique_ptr<Client> client = Client::Create(options).value();
    const std::string head = client->PostHead("/chat/completions", {{"Authorization", "Bearer key"}}).value();
    int running = concurrency;
    const double pooled = CpuPerExchange(concurrency, exchanges, [&](asio::io_context& context) {
      asio::co_spawn(context, ClientLoop(client.get(), head, body, exchanges, &running), asio::detached);
    });
    std::printf("CPU per exchange: bare Beast %.2f us, pooled client %.2f us (%.2f)\n", bare, pooled, pooled / bare);
  }
  peer_context.stop();
  peer_thread.join();
  return 0;
}

}  // namespace
}  // namespace dspex::http

int main(int argc, char** argv) { return dspex::http::Main(argc, argv); }
