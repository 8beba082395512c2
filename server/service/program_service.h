#pragma once

#include <string>

#include "dspex/v1/program_service.pb.h"
#include "engine/base/context.h"
#include "engine/base/task.h"
#include "engine/program/program.h"
#include "server/store/program_store.h"

namespace dspex {

/// The RPCs of dspex.v1.ProgramService: checks requests, and keeps programs in the store. Thread-safe.
///
/// The errors are those of ProgramStore and Program::Create, and INVALID_ARGUMENT / INVALID_REQUEST with the violation
/// of a field of the request. On an error the response is left as it was. A write whose caller went away may be done
/// all the same; a request_id finds out.
class ProgramService {
 public:
  /// `store` outlives this. `environment` is what programs are validated in.
  ProgramService(ProgramStore& store, ProgramEnvironment environment);

  StatusTask CreateProgram(RequestContext context, const v1::CreateProgramRequest& request,
                           v1::CreateProgramResponse& response);
  StatusTask GetProgram(RequestContext context, const v1::GetProgramRequest& request, v1::GetProgramResponse& response);
  StatusTask ListPrograms(RequestContext context, const v1::ListProgramsRequest& request,
                          v1::ListProgramsResponse& response);
  StatusTask UpdateProgram(RequestContext context, const v1::UpdateProgramRequest& request,
                           v1::UpdateProgramResponse& response);
  StatusTask DeleteProgram(RequestContext context, const v1::DeleteProgramRequest& request,
                           v1::DeleteProgramResponse& response);
  StatusTask ListProgramRevisions(RequestContext context, const v1::ListProgramRevisionsRequest& request,
                                  v1::ListProgramRevisionsResponse& response);
  StatusTask SetProgramLabel(RequestContext context, const v1::SetProgramLabelRequest& request,
                             v1::SetProgramLabelResponse& response);
  StatusTask ImportState(RequestContext context, const v1::ImportStateRequest& request,
                         v1::ImportStateResponse& response);
  StatusTask ExportState(RequestContext context, const v1::ExportStateRequest& request,
                         v1::ExportStateResponse& response);

 private:
  Task<v1::Program> PreviewUpdate(std::string tenant, std::string id, std::string etag, ProgramStore::Change change);

  ProgramStore& store_;
  const ProgramEnvironment environment_;
};

}  // namespace dspex
