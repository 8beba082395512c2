#pragma once

#include <chrono>
#include <memory>

#include "dspex/v1/prediction_service.pb.h"
#include "engine/base/context.h"
#include "engine/base/task.h"
#include "engine/program/program.h"
#include "server/program/program_cache.h"
#include "server/rpc/call.h"

namespace dspex {

/// The RPCs of dspex.v1.PredictionService: translates between messages and the engine. Thread-safe.
class PredictionService {
 public:
  struct Options {
    /// How long one Forward may take where neither program nor caller says less.
    Clock::duration forward_timeout = std::chrono::minutes(5);
    /// For inline programs.
    ProgramEnvironment environment;
  };

  /// `cache` outlives this.
  PredictionService(ProgramCache* cache, Options options);

  StatusTask Forward(RequestContext context, const v1::ForwardRequest& request, v1::ForwardResponse& response);
  StatusTask ForwardStream(RequestContext context, const v1::ForwardStreamRequest& request,
                           ResponseWriter<v1::ForwardStreamResponse>& writer);
  StatusTask ForwardBatch(RequestContext context, const v1::ForwardBatchRequest& request,
                          ResponseWriter<v1::ForwardBatchResponse>& writer);
  StatusTask Render(RequestContext context, const v1::RenderRequest& request, v1::RenderResponse& response);
  StatusTask Parse(RequestContext context, const v1::ParseRequest& request, v1::ParseResponse& response);

 private:
  struct Target;
  struct Batch;
  template <typename Request>
  Task<Target> Resolve(RequestContext context, const Request& request);
  StatusTask Run(RequestContext context, const Target& target, const Sampling& call, Json inputs,
                 std::string inputs_field, bool as_json, v1::Prediction& prediction);
  StatusTask RunItems(RequestContext context, Batch& batch);

  ProgramCache* const cache_;
  const Options options_;
};

}  // namespace dspex
