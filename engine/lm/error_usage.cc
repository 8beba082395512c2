#include "engine/lm/error_usage.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <utility>

#include "engine/base/error.h"

namespace dspex::lm {

namespace {

struct Key {
  absl::string_view name;
  long long Usage::* count;
};

constexpr Key kKeys[] = {
    {"input_tokens", &Usage::input_tokens},
    {"output_tokens", &Usage::output_tokens},
    {"cached_input_tokens", &Usage::cached_input_tokens},
    {"cache_write_tokens", &Usage::cache_write_tokens},
    {"reasoning_tokens", &Usage::reasoning_tokens},
};

}  // namespace

absl::Status WithUsage(absl::Status error, const Usage& usage) {
  for (const Key& key : kKeys) {
    if (usage.*key.count > 0) error = WithMetadata(std::move(error), key.name, absl::StrCat(usage.*key.count));
  }
  return error;
}

std::optional<Usage> ErrorUsage(const absl::Status& error) {
  Usage usage;
  bool found = false;
  for (const Key& key : kKeys) {
    found = absl::SimpleAtoi(ErrorMetadata(error, key.name), &(usage.*key.count)) || found;
  }
  if (!found) return std::nullopt;
  return usage;
}

}  // namespace dspex::lm
