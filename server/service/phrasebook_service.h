#pragma once

#include "dspex/v1/phrasebook_service.pb.h"
#include "engine/base/context.h"
#include "engine/base/task.h"
#include "server/program/phrasebook_registry.h"
#include "server/store/phrasebook_store.h"

namespace dspex {

/// The RPCs of dspex.v1.PhrasebookService: checks phrasebooks, keeps them in the store and makes them known to
/// programs. Errors are those of PhrasebookStore, PhrasebookRegistry and Phrasebook::FromJson. Thread-safe.
class PhrasebookService {
 public:
  /// Both outlive this.
  PhrasebookService(PhrasebookStore& store, PhrasebookRegistry& registry) : store_(store), registry_(registry) {}

  StatusTask CreatePhrasebook(RequestContext context, const v1::CreatePhrasebookRequest& request,
                              v1::CreatePhrasebookResponse& response);
  StatusTask GetPhrasebook(RequestContext context, const v1::GetPhrasebookRequest& request,
                           v1::GetPhrasebookResponse& response);
  StatusTask ListPhrasebooks(RequestContext context, const v1::ListPhrasebooksRequest& request,
                             v1::ListPhrasebooksResponse& response);

 private:
  PhrasebookStore& store_;
  PhrasebookRegistry& registry_;
};

}  // namespace dspex
