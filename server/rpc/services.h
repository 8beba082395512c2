#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>
#include <vector>

#include "server/metrics/method_metrics.h"
#include "server/rpc/bridge.h"

namespace dspex {

class DatasetService;
class Metrics;
class OptimizerService;
class PhrasebookService;
class PredictionService;
class ProgramService;

/// The methods of one gRPC service with their metrics.
class MethodTable {
 public:
  MethodTable(Metrics& metrics, std::string service) : metrics_(metrics), service_(std::move(service)) {}

  /// The method of that name; the reference lives as long as the table.
  const Method& Add(absl::string_view name);

 private:
  struct Entry {
    std::unique_ptr<MethodMetrics> metrics;
    Method method;
  };

  Metrics& metrics_;
  const std::string service_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

/// The gRPC faces of the services: they only call through the bridge. Arguments outlive the result.
std::unique_ptr<grpc::Service> MakeDatasetGrpcService(Bridge& bridge, Metrics& metrics, DatasetService& service);
std::unique_ptr<grpc::Service> MakeOptimizerGrpcService(Bridge& bridge, Metrics& metrics, OptimizerService& service);
std::unique_ptr<grpc::Service> MakePhrasebookGrpcService(Bridge& bridge, Metrics& metrics, PhrasebookService& service);
std::unique_ptr<grpc::Service> MakePredictionGrpcService(Bridge& bridge, Metrics& metrics, PredictionService& service);
std::unique_ptr<grpc::Service> MakeProgramGrpcService(Bridge& bridge, Metrics& metrics, ProgramService& service);

}  // namespace dspex
