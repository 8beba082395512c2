#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dspex/v1/program.pb.h"
#include "engine/base/task.h"

namespace dspex {

/// Which revision of a program: the newest unless a number or a label is given.
struct RevisionSelector {
  std::int64_t revision = 0;
  std::string label;
};

/// On whose behalf a write is made, and how its repetition is known.
///
/// With a `request_id`, a write that succeeded is remembered for a day, in the transaction that did it. Within that day
/// the same request (method and hash) gets the same answer and changes nothing; another request of the same id is
/// refused: ALREADY_EXISTS / REQUEST_ID_REUSED, metadata `request_id`.
struct WriteRequest {
  std::string tenant;
  /// Empty: the write is not remembered.
  std::string request_id;
  std::string method;
  /// A digest of the whole request.
  std::string hash;
};

/// Part of a list.
struct ProgramPage {
  std::vector<v1::Program> programs;
  /// Whether more follow.
  bool more = false;
};

/// Hears of changes, in the order of their commits and before their callers do, on a thread of the store. Must be
/// quick.
class ProgramObserver {
 public:
  virtual ~ProgramObserver() = default;
  /// Revisions or labels of the program have changed, or it is gone.
  virtual void OnProgramChanged(absl::string_view tenant, absl::string_view id) = 0;
};

/// Keeps programs: numbered, immutable revisions with labels. Thread-safe.
///
/// Every name is one within a tenant. Programs come out with all that the server sets: name ("programs/qa", or
/// "programs/qa@3" where a certain revision was asked for), revision, etag, labels and times. Revision numbers never
/// repeat under a name, even when the program is deleted and made anew.
///
/// Errors: NOT_FOUND / PROGRAM_NOT_FOUND and REVISION_NOT_FOUND, ALREADY_EXISTS / PROGRAM_EXISTS, ABORTED /
/// ETAG_MISMATCH (metadata: program, revision or label, etag), RESOURCE_EXHAUSTED / SERVER_OVERLOADED, INTERNAL /
/// STORAGE_FAILED. A cancelled caller gets kCancelled; its write may be done all the same.
class ProgramStore {
 public:
  /// Makes the new contents of a program out of the current ones.
  using Change = std::function<absl::StatusOr<v1::Program>(const v1::Program& current)>;

  virtual ~ProgramStore() = default;

  virtual Task<v1::Program> Create(WriteRequest request, std::string id, v1::Program program) = 0;

  virtual Task<v1::Program> Get(std::string tenant, std::string id, RevisionSelector selector) = 0;

  /// The newest revisions of programs whose id comes after `after`, by id; at most `limit`, and fewer where the page
  /// would become large.
  virtual Task<ProgramPage> List(std::string tenant, std::string after, int limit) = 0;

  /// The revisions below `before` (0: all), newest first; limits as in List.
  virtual Task<ProgramPage> ListRevisions(std::string tenant, std::string id, std::int64_t before, int limit) = 0;

  /// Makes a revision, or none if `change` changes nothing. A non-empty `etag` must be the program's. `change` runs on
  /// a thread of the store, within the transaction, so that no other change is lost; it must own what it uses and be
  /// quick.
  virtual Task<v1::Program> Update(WriteRequest request, std::string id, std::string etag, Change change) = 0;

  /// Deletes a program with its revisions and labels.
  virtual StatusTask Delete(WriteRequest request, std::string id, std::string etag) = 0;

  /// Points a label at a revision; 0 removes the label. INVALID_ARGUMENT / INVALID_REQUEST beyond kMaxLabels.
  virtual Task<v1::Program> SetLabel(WriteRequest request, std::string id, std::string etag, std::string label,
                                     std::int64_t revision) = 0;

  /// Who hears of changes; null for nobody. The observer outlives the store, or its registration.
  virtual void SetObserver(ProgramObserver* observer) = 0;

  static constexpr int kMaxLabels = 100;
};

/// NOT_FOUND / PROGRAM_NOT_FOUND for "programs/{id}".
absl::Status ProgramNotFound(absl::string_view id);

/// ALREADY_EXISTS / PROGRAM_EXISTS for "programs/{id}".
absl::Status ProgramExists(absl::string_view id);

/// INVALID_ARGUMENT / INVALID_REQUEST: the program has kMaxLabels labels.
absl::Status TooManyLabels(absl::string_view id);

/// ABORTED / ETAG_MISMATCH if `expected` is given and is not the etag of `current`.
absl::Status CheckEtag(const v1::Program& current, absl::string_view expected);

}  // namespace dspex
