#include "server/store/dataset_store.h"

#include <absl/strings/str_cat.h>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

absl::Status DatasetNotFound(absl::string_view id) {
  return Error(absl::StatusCode::kNotFound, reason::kDatasetNotFound,
               absl::StrCat("There is no dataset datasets/", id,
                            ". Create it with CreateDataset, or look for its name with ListDatasets."))
      .With("dataset", absl::StrCat("datasets/", id));
}

absl::Status DatasetExists(absl::string_view id) {
  return Error(absl::StatusCode::kAlreadyExists, reason::kDatasetExists,
               absl::StrCat("The dataset datasets/", id,
                            " exists already. Import examples into it, or choose another dataset_id."))
      .With("dataset", absl::StrCat("datasets/", id));
}

}  // namespace dspex
