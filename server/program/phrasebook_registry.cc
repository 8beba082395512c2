#include "server/program/phrasebook_registry.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

absl::Status PhrasebookRegistry::Add(v1::Phrasebook phrasebook) {
  absl::StatusOr<std::shared_ptr<const Phrasebook>> read = Phrasebook::FromJson(phrasebook.contents_json());
  if (!read.ok()) return read.status();
  MutexLock lock(&mutex_);
  std::string name = phrasebook.name();
  entries_.try_emplace(std::move(name), Entry{std::move(phrasebook), *std::move(read)});
  return absl::OkStatus();
}

absl::StatusOr<const PhrasebookRegistry::Entry*> PhrasebookRegistry::FindEntry(absl::string_view name) const {
  const auto found = entries_.find(name);
  if (found != entries_.end()) return &found->second;
  const absl::string_view shown = name.substr(0, 100);
  return Error(absl::StatusCode::kNotFound, reason::kPhrasebookNotFound,
               absl::StrCat("There is no phrasebook \"", shown,
                            "\". Create it with `dspex import` or `dspex phrasebooks create`, or name one that "
                            "ListPhrasebooks has."))
      .With("phrasebook", shown);
}

absl::StatusOr<std::shared_ptr<const Phrasebook>> PhrasebookRegistry::Find(absl::string_view name) const {
  MutexLock lock(&mutex_);
  const absl::StatusOr<const Entry*> entry = FindEntry(name);
  if (!entry.ok()) return entry.status();
  return (*entry)->phrasebook;
}

absl::StatusOr<v1::Phrasebook> PhrasebookRegistry::Get(absl::string_view name) const {
  MutexLock lock(&mutex_);
  const absl::StatusOr<const Entry*> entry = FindEntry(name);
  if (!entry.ok()) return entry.status();
  return (*entry)->stored;
}

std::vector<v1::Phrasebook> PhrasebookRegistry::List() const {
  MutexLock lock(&mutex_);
  std::vector<v1::Phrasebook> result;
  for (const auto& [name, entry] : entries_) {
    v1::Phrasebook& listed = result.emplace_back();
    listed.set_name(name);
    listed.set_digest(entry.stored.digest());
    *listed.mutable_create_time() = entry.stored.create_time();
  }
  return result;
}

}  // namespace dspex
