#include "server/serve/serve.h"

#include <absl/strings/str_cat.h>
#include <absl/synchronization/mutex.h>
#include <google/protobuf/generated_message_reflection.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "dspex/v1/dataset_service.grpc.pb.h"
#include "dspex/v1/optimizer_service.grpc.pb.h"
#include "dspex/v1/phrasebook_service.grpc.pb.h"
#include "dspex/v1/prediction_service.grpc.pb.h"
#include "dspex/v1/program_service.grpc.pb.h"
#include "engine/base/proto_duration.h"
#include "engine/base/task_scope.h"
#include "engine/base/time_source.h"
#include "grpc/health/v1/health.pb.h"
#include "providers/provider_stack.h"
#include "server/config/stack_settings.h"
#include "server/dataset/split_orders.h"
#include "server/job/job_runner.h"
#include "server/job/sqlite_job_store.h"
#include "server/log/access_log.h"
#include "server/log/logger.h"
#include "server/metrics/exposition.h"
#include "server/metrics/metrics.h"
#include "server/program/phrasebook_registry.h"
#include "server/program/program_cache.h"
#include "server/rpc/bridge.h"
#include "server/rpc/services.h"
#include "server/serve/drain.h"
#include "server/serve/signals.h"
#include "server/service/dataset_service.h"
#include "server/service/optimizer_service.h"
#include "server/service/phrasebook_service.h"
#include "server/service/prediction_service.h"
#include "server/service/program_service.h"
#include "server/store/blocking_pool.h"
#include "server/store/sqlite_database.h"
#include "server/store/sqlite_dataset_store.h"
#include "server/store/sqlite_phrasebook_store.h"
#include "server/store/sqlite_program_store.h"
#include "server/version.h"

namespace dspex {

namespace {

// How long jobs may take to be given back.
constexpr Clock::duration kJobsGrace = std::chrono::seconds(3);

std::chrono::milliseconds ToMilliseconds(const google::protobuf::Duration& duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(ReadDuration(duration));
}

LogLevel ToLogLevel(const std::string& name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "warn") return LogLevel::kWarn;
  if (name == "error") return LogLevel::kError;
  if (name == "off") return LogLevel::kOff;
  return LogLevel::kInfo;
}

/// Every connection is a file: as many as the system lets us have.
void RaiseFileLimit(Logger& logger) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) logger.Log(LogLevel::kWarn, "cannot raise the limit on open files");
}

int IoThreads(const config::v1::Config& settings) {
  if (settings.io_threads() > 0) return settings.io_threads();
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// The gRPC server, listening.
struct Listening {
  std::unique_ptr<grpc::Server> server;
  std::string address;
};

absl::StatusOr<Listening> Listen(const config::v1::Config& settings, const std::vector<grpc::Service*>& services) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  // Reflection describes the health service from this message's file.
  google::protobuf::LinkMessageReflection<grpc::health::v1::HealthCheckRequest>();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(settings.listen(), grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(settings.limits().max_request_bytes());
  // What has not fully arrived is no call yet, so admission does not see it: gRPC's own memory has the same bound.
  // With the bound alone gRPC would stop to read what admission still takes: its buffers count too.
  constexpr std::size_t kBuffers = std::size_t{64} << 20;
  builder.SetResourceQuota(
      grpc::ResourceQuota().Resize(static_cast<std::size_t>(settings.limits().max_in_flight_bytes()) + kBuffers));
  // gRPC unpacks a compressed message before it looks at its size: a megabyte could become a gigabyte.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  // Two servers on one port would share its calls in silence.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Clients behind load balancers ping to keep quiet connections; gRPC's default would end them for it.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  for (grpc::Service* service : services) builder.RegisterService(service);
  Listening listening{builder.BuildAndStart(), ""};
  if (listening.server == nullptr || port == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", settings.listen(), ". Is it in use? Choose another with --listen."));
  }
  listening.address = absl::StrCat(settings.listen().substr(0, settings.listen().rfind(':')), ":", port);
  return listening;
}

/// The prices of all providers' models.
PriceTable PricesOf(const StackSettings& stack) {
  std::vector<PriceRule> rules;
  for (const ProviderSettings& provider : stack.providers) {
    rules.insert(rules.end(), provider.prices.begin(), provider.prices.end());
  }
  return PriceTable(std::move(rules));
}

absl::Status LoadPhrasebooks(PhrasebookStore& store, PhrasebookRegistry& registry) {
  absl::StatusOr<std::vector<v1::Phrasebook>> stored = store.ReadAll("default");
  if (!stored.ok()) return stored.status();
  for (v1::Phrasebook& phrasebook : *stored) {
    const std::string name = phrasebook.name();
    if (absl::Status added = registry.Add(std::move(phrasebook)); !added.ok()) {
      return absl::Status(added.code(), absl::StrCat("the stored ", name, " cannot be read: ", added.message()));
    }
  }
  return absl::OkStatus();
}

void SetServing(grpc::Server& server) {
  grpc::HealthCheckServiceInterface* health = server.GetHealthCheckService();
  for (const char* service : {v1::DatasetService::service_full_name(), v1::OptimizerService::service_full_name(),
                              v1::PhrasebookService::service_full_name(), v1::PredictionService::service_full_name(),
                              v1::ProgramService::service_full_name()}) {
    health->SetServingStatus(service, true);
  }
}

}  // namespace

absl::Status Serve(const ResolvedConfig& config) {
  // Debian builds Abseil with its debugging aids: each lock of gRPC would enter a global graph under a global spinlock.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const config::v1::Config& settings = config.settings;
  Signals signals;
  Logger logger(ToLogLevel(settings.log().level()));
  RaiseFileLimit(logger);

  // Made in the order in which they are needed, so that they go in the reverse one.
  AccessLog access_log(&logger, settings.log().access());
  Metrics metrics;
  IoPool io(IoThreads(settings));
  BlockingPool blocking({});
  absl::StatusOr<std::unique_ptr<SqliteDatabase>> database =
      SqliteDatabase::Open({.directory = settings.data_dir()}, blocking);
  if (!database.ok()) return database.status();
  const auto changes = std::make_shared<ProgramChanges>();
  const std::unique_ptr<ProgramStore> store = MakeSqliteProgramStore(**database, absl::Now, changes);
  const std::unique_ptr<PhrasebookStore> phrasebook_store = MakeSqlitePhrasebookStore(**database);
  const std::unique_ptr<DatasetStore> dataset_store = MakeSqliteDatasetStore(**database);
  SplitOrders split_orders(blocking);
  PhrasebookRegistry phrasebooks;
  if (absl::Status loaded = LoadPhrasebooks(*phrasebook_store, phrasebooks); !loaded.ok()) return loaded;

  SteadyTime time;
  TaskScope tasks;
  StackSettings stack = ToStackSettings(config);
  stack.user_agent = absl::StrCat("dspex/", kVersion);
  const PriceTable prices = PricesOf(stack);
  absl::StatusOr<std::unique_ptr<ConfiguredLanguageModels>> models =
      ConfiguredLanguageModels::Create(std::move(stack), metrics, tasks, time);
  if (!models.ok()) return models.status();
  metrics.SetEndpointStats([&models] { return (*models)->endpoint_stats(); });

  const ProgramEnvironment environment{
      .language_models = models->get(), .phrasebooks = &phrasebooks, .default_lm = settings.default_lm()};
  ProgramCache cache(*store, environment, tasks, io.Next(),
                     {.max_entries = static_cast<std::size_t>(settings.limits().program_cache_entries())});
  ProgramEnvironment inline_environment = environment;
  inline_environment.reusable = false;
  PredictionService predictions(&cache, {.forward_timeout = ReadDuration(settings.limits().forward_timeout()),
                                         .environment = inline_environment});
  ProgramService programs(*store, environment);
  PhrasebookService phrasebook_service(*phrasebook_store, phrasebooks);

  const std::unique_ptr<JobStore> job_store = MakeSqliteJobStore(**database, changes);
  DatasetService datasets(*dataset_store, *store, *job_store, split_orders, blocking, tasks, io.Next());
  datasets.Sweep();

  absl::StatusOr<std::unique_ptr<Journal>> journal = Journal::Open(settings.data_dir(), blocking);
  if (!journal.ok()) return journal.status();
  const JobEnvironment job_environment{.jobs = job_store.get(),
                                       .journal = journal->get(),
                                       .programs = store.get(),
                                       .datasets = dataset_store.get(),
                                       .orders = &split_orders,
                                       .programs_in = environment,
                                       .prices = &prices,
                                       .logger = &logger,
                                       .time = &time};
  OptimizerService optimizer_service(job_environment);
  JobRunner jobs(job_environment, io,
                 {.max_running = settings.limits().max_running_jobs(),
                  .owner = absl::StrCat("dspex/", kVersion, " ", ::getpid())});

  Admission admission({.calls = settings.limits().max_in_flight(), .bytes = settings.limits().max_in_flight_bytes()});
  Bridge bridge({.io = &io, .admission = &admission, .access_log = &access_log});
  const auto dataset_grpc = MakeDatasetGrpcService(bridge, metrics, datasets);
  const auto optimizer_grpc = MakeOptimizerGrpcService(bridge, metrics, optimizer_service);
  const auto phrasebook_grpc = MakePhrasebookGrpcService(bridge, metrics, phrasebook_service);
  const auto prediction_grpc = MakePredictionGrpcService(bridge, metrics, predictions);
  const auto program_grpc = MakeProgramGrpcService(bridge, metrics, programs);

  absl::StatusOr<std::unique_ptr<Exposition>> exposition = Exposition::Start(settings.metrics_listen(), metrics);
  if (!exposition.ok()) return exposition.status();
  absl::StatusOr<Listening> listening = Listen(
      settings,
      {dataset_grpc.get(), optimizer_grpc.get(), phrasebook_grpc.get(), prediction_grpc.get(), program_grpc.get()});
  if (!listening.ok()) return listening.status();
  SetServing(*listening->server);
  jobs.Start();
  logger.Log(LogLevel::kInfo, "ready",
             {{"listen", listening->address}, {"metrics", (*exposition)->address()}, {"version", kVersion}});
  logger.Flush();

  while (signals.Wait(std::nullopt) != Signals::Woken::kSignal) {
  }
  // Jobs are given back, not waited for: the next server goes on with them.
  optimizer_service.StopWatching();
  const bool jobs_ended = jobs.Stop(Clock::now() + kJobsGrace);
  Drain(*listening->server, admission, tasks, signals, logger, ToMilliseconds(settings.drain().lame_duck()),
        ToMilliseconds(settings.drain().time_limit()));
  if (!jobs_ended && !jobs.Stop(Clock::now() + kJobsGrace)) {
    logger.Log(LogLevel::kError, "jobs did not end after their cancellation; the next server goes on with them");
    logger.Flush();
    ::_exit(1);
  }
  metrics.SetEndpointStats(nullptr);
  (*models)->CloseConnections();
  io.Stop();
  return absl::OkStatus();
}

}  // namespace dspex
