#include "server/service/phrasebook_service.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "server/service/digest.h"

namespace dspex {

namespace {

constexpr std::size_t kMaxId = 63;

bool IsPhrasebookId(absl::string_view id) {
  return !id.empty() && id.size() <= kMaxId && absl::ascii_islower(static_cast<unsigned char>(id.front())) &&
         std::all_of(id.begin(), id.end(), [](unsigned char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '.';
         });
}

absl::Status InvalidId() {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               "The phrasebook_id is not one a phrasebook can have. Start with a lower-case letter, go on with "
               "lower-case letters, digits, '.' or '-', 63 characters at most.")
      .Violation("phrasebook_id", "must be a lower-case letter, then lower-case letters, digits, '.' or '-'");
}

}  // namespace

StatusTask PhrasebookService::CreatePhrasebook(RequestContext context, const v1::CreatePhrasebookRequest& request,
                                               v1::CreatePhrasebookResponse& response) {
  if (!IsPhrasebookId(request.phrasebook_id())) co_return InvalidId();
  const std::string& contents = request.phrasebook().contents_json();
  // Read before it is stored, so that what is stored can be read.
  if (const auto read = Phrasebook::FromJson(contents); !read.ok()) {
    co_return WithFieldPrefix(read.status(), "phrasebook.contents_json");
  }
  v1::Phrasebook phrasebook;
  phrasebook.set_contents_json(contents);
  phrasebook.set_digest(absl::BytesToHexString(Sha256(contents)));
  absl::StatusOr<v1::Phrasebook> stored =
      co_await store_.Create(context.record().tenant, request.phrasebook_id(), std::move(phrasebook));
  if (!stored.ok()) co_return stored.status();
  if (absl::Status added = registry_.Add(*stored); !added.ok()) co_return added;
  *response.mutable_phrasebook() = *std::move(stored);
  co_return absl::OkStatus();
}

StatusTask PhrasebookService::GetPhrasebook(RequestContext, const v1::GetPhrasebookRequest& request,
                                            v1::GetPhrasebookResponse& response) {
  absl::StatusOr<v1::Phrasebook> phrasebook = registry_.Get(request.name());
  if (!phrasebook.ok()) co_return phrasebook.status();
  *response.mutable_phrasebook() = *std::move(phrasebook);
  co_return absl::OkStatus();
}

StatusTask PhrasebookService::ListPhrasebooks(RequestContext, const v1::ListPhrasebooksRequest&,
                                              v1::ListPhrasebooksResponse& response) {
  for (v1::Phrasebook& phrasebook : registry_.List()) *response.add_phrasebooks() = std::move(phrasebook);
  co_return absl::OkStatus();
}

}  // namespace dspex
