#pragma once

#include <nlohmann/json.hpp>

#include "dspex/v1/prediction_service.pb.h"
#include "engine/base/context.h"
#include "engine/module/event.h"
#include "server/rpc/call.h"

namespace dspex {

/// Writes the events of one ForwardStream, and the usage each time it has grown.
class StreamEvents final : public EventSink {
 public:
  /// `as_json`: whether values are JSON texts. All outlive this.
  StreamEvents(const RequestRecord& record, bool as_json, ResponseWriter<v1::ForwardStreamResponse>& writer)
      : record_(record), as_json_(as_json), writer_(writer) {}

  StatusTask Emit(Event event) override;

  /// Writes the usage if it is not known yet.
  StatusTask WriteUsage();

 private:
  const RequestRecord& record_;
  const bool as_json_;
  ResponseWriter<v1::ForwardStreamResponse>& writer_;
  Usage written_;
};

}  // namespace dspex
