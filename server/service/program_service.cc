#include "server/service/program_service.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapter/field_wording.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/program/build_module.h"
#include "engine/state/apply_state.h"
#include "engine/state/state_of.h"
#include "server/program/resource_name.h"
#include "server/service/page_token.h"
#include "server/service/program_update.h"
#include "server/service/request_checks.h"
#include "server/store/program_definition.h"

namespace dspex {

namespace {

absl::Status CheckDefinition(const v1::Program& program, const ProgramEnvironment& environment) {
  absl::Status status = CheckLength(program.description(), kMaxDescription, "program.description");
  if (!status.ok()) return status;
  return WithFieldPrefix(Program::Create(program, environment).status(), "program");
}

/// A state as a change of a program; `warnings` are filled where it is made.
ProgramStore::Change StateChange(SavedState state, bool keep_endpoints, const ProgramEnvironment& environment,
                                 std::shared_ptr<std::vector<std::string>> warnings) {
  return [state = std::move(state), keep_endpoints, environment,
          warnings = std::move(warnings)](const v1::Program& current) -> absl::StatusOr<v1::Program> {
    absl::StatusOr<AppliedState> applied = ApplyState(current, state, {.keep_endpoints = keep_endpoints});
    if (!applied.ok()) return WithFieldPrefix(applied.status(), "state_json");
    if (absl::Status valid = CheckDefinition(applied->program, environment); !valid.ok()) return valid;
    *warnings = std::move(applied->warnings);
    ClearServerFields(applied->program);
    return std::move(applied->program);
  };
}

v1::Program WithoutLineage(v1::Program program) {
  program.clear_lineage();
  return program;
}

/// A change that a user makes: no job made its outcome, unless that is what there was.
ProgramStore::Change ByUser(ProgramStore::Change change) {
  return [change = std::move(change)](const v1::Program& current) -> absl::StatusOr<v1::Program> {
    absl::StatusOr<v1::Program> changed = change(current);
    if (!changed.ok()) return changed;
    *changed->mutable_lineage() = current.lineage();
    if (!current.has_lineage() || SerializeDefinition(*changed) != SerializeDefinition(current)) {
      changed->clear_lineage();
    }
    return changed;
  };
}

/// Those releases that a saved state names, as far as the phrasebook knows them.
std::vector<std::pair<std::string, std::string>> DependencyVersions(const Phrasebook& phrasebook) {
  std::vector<std::pair<std::string, std::string>> versions;
  const absl::StatusOr<Json> source = ParseJson(phrasebook.source);
  if (!source.ok() || !source->contains("versions")) return versions;
  for (const char* name : {"python", "dspy", "cloudpickle"}) {
    const auto version = source->at("versions").find(name);
    if (version != source->at("versions").end() && version->is_string()) versions.emplace_back(name, *version);
  }
  return versions;
}

absl::Status MissingProgram() {
  return InvalidField("program", "must be set", "The request has no program. Give one with at least one module.");
}

template <typename Field>
void MovePage(ProgramPage page, Field& field) {
  for (v1::Program& program : page.programs) *field.Add() = std::move(program);
}

std::string RevisionList(const RequestContext& context, absl::string_view id) {
  return absl::StrCat("ListProgramRevisions/", context.record().tenant, "/", id);
}

}  // namespace

ProgramService::ProgramService(ProgramStore& store, ProgramEnvironment environment)
    : store_(store), environment_(std::move(environment)) {}

StatusTask ProgramService::CreateProgram(RequestContext context, const v1::CreateProgramRequest& request,
                                         v1::CreateProgramResponse& response) {
  const std::string& id = request.program_id();
  if (!IsProgramId(id)) {
    co_return InvalidField("program_id", "must be a lower-case letter, then lower-case letters, digits or '-'",
                           "The program_id is not one a program can have. Start with a lower-case letter, go on with "
                           "lower-case letters, digits or '-', 63 characters at most.");
  }
  absl::StatusOr<WriteRequest> write = ReadWriteRequest(context, request);
  if (!write.ok()) co_return write.status();
  if (!request.has_program()) co_return MissingProgram();
  if (absl::Status valid = CheckDefinition(request.program(), environment_); !valid.ok()) co_return valid;

  if (request.validate_only()) {
    const absl::StatusOr<v1::Program> existing = co_await store_.Get(write->tenant, id, RevisionSelector());
    if (existing.ok()) co_return ProgramExists(id);
    if (!absl::IsNotFound(existing.status())) co_return existing.status();
    v1::Program& preview = *response.mutable_program();
    preview = request.program();
    ClearServerFields(preview);
    preview.clear_lineage();
    preview.set_name(absl::StrCat("programs/", id));
    preview.set_revision(1);
    co_return absl::OkStatus();
  }
  absl::StatusOr<v1::Program> created =
      co_await store_.Create(*std::move(write), id, WithoutLineage(request.program()));
  if (!created.ok()) co_return created.status();
  *response.mutable_program() = *std::move(created);
  co_return absl::OkStatus();
}

StatusTask ProgramService::GetProgram(RequestContext context, const v1::GetProgramRequest& request,
                                      v1::GetProgramResponse& response) {
  absl::StatusOr<ProgramName> name = ParseProgramName(request.name(), "name");
  if (!name.ok()) co_return name.status();
  absl::StatusOr<v1::Program> program =
      co_await store_.Get(context.record().tenant, std::move(name->id), std::move(name->selector));
  if (!program.ok()) co_return program.status();
  *response.mutable_program() = *std::move(program);
  co_return absl::OkStatus();
}

StatusTask ProgramService::ListPrograms(RequestContext context, const v1::ListProgramsRequest& request,
                                        v1::ListProgramsResponse& response) {
  const std::string list = absl::StrCat("ListPrograms/", context.record().tenant);
  const absl::StatusOr<int> page_size = ReadPageSize(request.page_size());
  if (!page_size.ok()) co_return page_size.status();
  absl::StatusOr<std::string> after = ReadPageToken(list, request.page_token());
  if (!after.ok()) co_return after.status();
  absl::StatusOr<ProgramPage> page = co_await store_.List(context.record().tenant, *std::move(after), *page_size);
  if (!page.ok()) co_return page.status();
  if (page->more) {
    const ProgramNameParts last = *SplitProgramName(page->programs.back().name());
    response.set_next_page_token(MakePageToken(list, last.id));
  }
  MovePage(*std::move(page), *response.mutable_programs());
  co_return absl::OkStatus();
}

StatusTask ProgramService::UpdateProgram(RequestContext context, const v1::UpdateProgramRequest& request,
                                         v1::UpdateProgramResponse& response) {
  if (!request.has_program()) co_return MissingProgram();
  absl::StatusOr<std::string> id = ParseWholeProgramName(request.program().name(), "program.name");
  if (!id.ok()) co_return id.status();
  if (absl::Status mask = CheckUpdateMask(request.update_mask()); !mask.ok()) co_return mask;
  absl::StatusOr<WriteRequest> write = ReadWriteRequest(context, request);
  if (!write.ok()) co_return write.status();

  ProgramStore::Change change;
  if (IsWholeUpdate(request.update_mask())) {
    // Nothing of the current contents is needed, so the store's thread is not kept with it.
    if (absl::Status valid = CheckDefinition(request.program(), environment_); !valid.ok()) co_return valid;
    change = [update = request.program()](const v1::Program&) -> absl::StatusOr<v1::Program> { return update; };
  } else {
    change = [update = request.program(), mask = request.update_mask(),
              environment = environment_](const v1::Program& current) -> absl::StatusOr<v1::Program> {
      v1::Program result = ApplyUpdate(current, update, mask);
      if (absl::Status valid = CheckDefinition(result, environment); !valid.ok()) return valid;
      return result;
    };
  }
  change = ByUser(std::move(change));
  absl::StatusOr<v1::Program> updated;
  if (request.validate_only()) {
    updated = co_await PreviewUpdate(write->tenant, *std::move(id), request.program().etag(), std::move(change));
  } else {
    updated = co_await store_.Update(*std::move(write), *std::move(id), request.program().etag(), std::move(change));
  }
  if (!updated.ok()) co_return updated.status();
  *response.mutable_program() = *std::move(updated);
  co_return absl::OkStatus();
}

Task<v1::Program> ProgramService::PreviewUpdate(std::string tenant, std::string id, std::string etag,
                                                ProgramStore::Change change) {
  absl::StatusOr<v1::Program> current = co_await store_.Get(std::move(tenant), std::move(id), RevisionSelector());
  if (!current.ok()) co_return current;
  if (absl::Status matches = CheckEtag(*current, etag); !matches.ok()) co_return matches;
  absl::StatusOr<v1::Program> changed = change(*current);
  if (!changed.ok()) co_return changed;
  if (SerializeDefinition(*changed) == SerializeDefinition(*current)) co_return current;
  changed->set_name(current->name());
  changed->set_revision(current->revision() + 1);
  *changed->mutable_labels() = current->labels();
  *changed->mutable_create_time() = current->create_time();
  co_return changed;
}

StatusTask ProgramService::DeleteProgram(RequestContext context, const v1::DeleteProgramRequest& request,
                                         v1::DeleteProgramResponse&) {
  absl::StatusOr<std::string> id = ParseWholeProgramName(request.name(), "name");
  if (!id.ok()) co_return id.status();
  absl::StatusOr<WriteRequest> write = ReadWriteRequest(context, request);
  if (!write.ok()) co_return write.status();
  co_return co_await store_.Delete(*std::move(write), *std::move(id), request.etag());
}

StatusTask ProgramService::ListProgramRevisions(RequestContext context, const v1::ListProgramRevisionsRequest& request,
                                                v1::ListProgramRevisionsResponse& response) {
  const absl::StatusOr<std::string> id = ParseWholeProgramName(request.name(), "name");
  if (!id.ok()) co_return id.status();
  const absl::StatusOr<int> page_size = ReadPageSize(request.page_size());
  if (!page_size.ok()) co_return page_size.status();
  const std::string list = RevisionList(context, *id);
  const absl::StatusOr<std::string> last = ReadPageToken(list, request.page_token());
  if (!last.ok()) co_return last.status();
  // A token that was made for this list holds a number.
  std::int64_t before = 0;
  (void)absl::SimpleAtoi(*last, &before);
  absl::StatusOr<ProgramPage> page = co_await store_.ListRevisions(context.record().tenant, *id, before, *page_size);
  if (!page.ok()) co_return page.status();
  if (page->more) {
    response.set_next_page_token(MakePageToken(list, absl::StrCat(page->programs.back().revision())));
  }
  MovePage(*std::move(page), *response.mutable_revisions());
  co_return absl::OkStatus();
}

StatusTask ProgramService::SetProgramLabel(RequestContext context, const v1::SetProgramLabelRequest& request,
                                           v1::SetProgramLabelResponse& response) {
  absl::StatusOr<std::string> id = ParseWholeProgramName(request.name(), "name");
  if (!id.ok()) co_return id.status();
  if (!IsProgramId(request.label())) {
    co_return InvalidField("label", "must be a lower-case letter, then lower-case letters, digits or '-'",
                           "The label is not one a revision can have. Start with a lower-case letter, go on with "
                           "lower-case letters, digits or '-', 63 characters at most.");
  }
  if (request.revision() < 0) {
    co_return InvalidField("revision", "must not be negative",
                           "The revision is negative. Give one that the program has, or 0 to remove the label.");
  }
  absl::StatusOr<WriteRequest> write = ReadWriteRequest(context, request);
  if (!write.ok()) co_return write.status();
  absl::StatusOr<v1::Program> program =
      co_await store_.SetLabel(*std::move(write), *std::move(id), request.etag(), request.label(), request.revision());
  if (!program.ok()) co_return program.status();
  *response.mutable_program() = *std::move(program);
  co_return absl::OkStatus();
}

StatusTask ProgramService::ImportState(RequestContext context, const v1::ImportStateRequest& request,
                                       v1::ImportStateResponse& response) {
  absl::StatusOr<std::string> id = ParseWholeProgramName(request.name(), "name");
  if (!id.ok()) co_return id.status();
  absl::StatusOr<WriteRequest> write = ReadWriteRequest(context, request);
  if (!write.ok()) co_return write.status();
  absl::StatusOr<SavedState> state = ReadState(request.state_json());
  if (!state.ok()) co_return WithFieldPrefix(state.status(), "state_json");
  const auto warnings = std::make_shared<std::vector<std::string>>();
  ProgramStore::Change change =
      StateChange(*std::move(state), request.allow_endpoint_settings(), environment_, warnings);
  change = ByUser(std::move(change));
  absl::StatusOr<v1::Program> updated;
  if (request.validate_only()) {
    updated = co_await PreviewUpdate(write->tenant, *std::move(id), request.etag(), std::move(change));
  } else {
    updated = co_await store_.Update(*std::move(write), *std::move(id), request.etag(), std::move(change));
  }
  if (!updated.ok()) co_return updated.status();
  *response.mutable_program() = *std::move(updated);
  response.mutable_warnings()->Assign(warnings->begin(), warnings->end());
  co_return absl::OkStatus();
}

StatusTask ProgramService::ExportState(RequestContext context, const v1::ExportStateRequest& request,
                                       v1::ExportStateResponse& response) {
  absl::StatusOr<ProgramName> name = ParseProgramName(request.name(), "name");
  if (!name.ok()) co_return name.status();
  const absl::StatusOr<v1::Program> program =
      co_await store_.Get(context.record().tenant, std::move(name->id), std::move(name->selector));
  if (!program.ok()) co_return program.status();
  const absl::StatusOr<std::shared_ptr<const Phrasebook>> phrasebook = FindPhrasebook(*program, environment_);
  if (!phrasebook.ok()) co_return phrasebook.status();
  StateOfOptions options;
  options.default_instructions = [&phrasebook](const Signature& signature) {
    return InstructionsOf(**phrasebook, signature);
  };
  options.dependency_versions = DependencyVersions(**phrasebook);
  const absl::StatusOr<SavedState> state = StateOf(*program, options);
  if (!state.ok()) co_return state.status();
  response.set_state_json(WriteState(*state));
  co_return absl::OkStatus();
}

}  // namespace dspex
