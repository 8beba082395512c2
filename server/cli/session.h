#pragma once

#include <absl/strings/string_view.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace CLI {
class App;
}
namespace grpc {
class Channel;
class ClientContext;
class Status;
}  // namespace grpc

namespace dspex::cli {

inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;

/// What the options of all commands say, and what a command needs to talk to the server and to its user.
struct Session {
  /// "host:port".
  std::string server = "127.0.0.1:50051";
  /// Of each call; none: the server's limits hold.
  std::optional<google::protobuf::Duration> timeout;
  /// Print responses as JSON.
  bool json = false;

  std::shared_ptr<grpc::Channel> Connect() const;

  /// The context of one call.
  std::unique_ptr<grpc::ClientContext> NewContext() const;

  /// Prints the error of a call. Returns the exit code.
  int Failed(const grpc::Status& status) const;

  /// Prints a message as JSON with the proto's field names. Returns the exit code.
  int PrintJson(const google::protobuf::Message& message) const;

  /// The same on one line, at once: for streams.
  int PrintJsonLine(const google::protobuf::Message& message) const;
};

/// Prints "error: message" of a wrong command line. Returns the exit code.
int UsageError(absl::string_view message);

/// Prints "error: message" of what went wrong. Returns the exit code.
int Failure(absl::string_view message);

/// What a command line asks for; set by the command that was named.
using Action = std::function<int(const Session& session)>;

/// Each adds one command to the command line; `action` outlives `app`.
void AddCompileCommand(CLI::App& app, Action& action);
void AddCreateCommand(CLI::App& app, Action& action);
void AddDatasetsCommand(CLI::App& app, Action& action);
void AddEvalCommand(CLI::App& app, Action& action);
void AddExportCommand(CLI::App& app, Action& action);
void AddForwardCommand(CLI::App& app, Action& action);
void AddImportCommand(CLI::App& app, Action& action);
void AddJobsCommand(CLI::App& app, Action& action);
void AddPhrasebooksCommand(CLI::App& app, Action& action);
void AddProgramsCommand(CLI::App& app, Action& action);
void AddVerifyCommand(CLI::App& app, Action& action);
/// Adds `import` to `datasets`.
void AddDatasetsImportCommand(CLI::App& datasets, Action& action);

}  // namespace dspex::cli
