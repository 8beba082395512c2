#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>

#include "tests/mock_llm/server.h"

namespace {

namespace asio = boost::asio;

void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Calls `end` once the input has ended.
void OnEndOfInput(asio::posix::stream_descriptor& input, std::array<char, 256>& buffer, std::function<void()> end) {
  input.async_read_some(asio::buffer(buffer), [&input, &buffer, end](boost::system::error_code error, size_t) {
    if (!error) return OnEndOfInput(input, buffer, end);
    if (error != asio::error::operation_aborted) end();
  });
}

}  // namespace

int main(int argc, char** argv) {
  dspex::mock_llm::Options options;
  double latency_ms = 0;
  std::string script_path;
  bool no_record = false;
  bool exit_with_parent = false;
  CLI::App app("A mock language model server; tests/mock_llm/README.md describes it.");
  app.add_option("--port", options.port, "Port on 127.0.0.1; 0 is any free one.");
  app.add_option("--latency-ms", latency_ms, "Latency of rules that name none.")->check(CLI::NonNegativeNumber);
  app.add_option("--script", script_path, "File of rules to start with.")->check(CLI::ExistingFile);
  app.add_flag("--no-record", no_record, "Count requests, do not keep them.");
  app.add_flag("--exit-with-parent", exit_with_parent, "End when standard input does.");
  CLI11_PARSE(app, argc, argv);
  options.latency = dspex::mock_llm::Milliseconds(latency_ms);
  options.record = !no_record;
  if (!script_path.empty()) {
    std::ostringstream text;
    text << std::ifstream(script_path).rdbuf();
    options.script = text.str();
  }

  RaiseFileLimit();
  asio::io_context context(1);
  auto started = dspex::mock_llm::Server::Start(context, options);
  if (!started.ok()) {
    std::cerr << started.status().message() << "\n";
    return 1;
  }
  const std::unique_ptr<dspex::mock_llm::Server> server = *std::move(started);
  asio::signal_set signals(context, SIGTERM, SIGINT);
  asio::posix::stream_descriptor input(context);
  std::array<char, 256> buffer;
  const auto stop = [&] {
    server->Stop();
    signals.cancel();
    boost::system::error_code ignored;
    input.close(ignored);
  };
  signals.async_wait([&](boost::system::error_code error, int) {
    if (!error) stop();
  });
  if (exit_with_parent) {
    input.assign(dup(STDIN_FILENO));
    OnEndOfInput(input, buffer, stop);
  }
  std::cout << "{\"port\": " << server->port() << "}" << std::endl;
  context.run();
  return 0;
}
