#include "server/job/job_pins.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace dspex {

namespace {

std::optional<Money> ReadIfGiven(const std::string& of_million) {
  return of_million.empty() ? std::nullopt : ParsePriceOfMillion(of_million);
}

}  // namespace

v1::JobPins MakePins(absl::string_view default_lm, const PriceTable& prices) {
  v1::JobPins pins;
  pins.set_default_lm(std::string(default_lm));
  for (const PriceRule& rule : prices.rules()) {
    v1::ModelPrice& price = *pins.add_prices();
    price.set_pattern(rule.pattern);
    price.set_input(PriceOfMillion(rule.price.input));
    price.set_output(PriceOfMillion(rule.price.output));
    if (rule.price.cached_input.has_value()) price.set_cached_input(PriceOfMillion(*rule.price.cached_input));
    if (rule.price.cache_write.has_value()) price.set_cache_write(PriceOfMillion(*rule.price.cache_write));
  }
  return pins;
}

PriceTable ReadPrices(const v1::JobPins& pins) {
  std::vector<PriceRule> rules;
  rules.reserve(static_cast<std::size_t>(pins.prices_size()));
  for (const v1::ModelPrice& price : pins.prices()) {
    rules.push_back({.pattern = price.pattern(),
                     .price = {.input = ReadIfGiven(price.input()).value_or(Money()),
                               .output = ReadIfGiven(price.output()).value_or(Money()),
                               .cached_input = ReadIfGiven(price.cached_input()),
                               .cache_write = ReadIfGiven(price.cache_write())}});
  }
  return PriceTable(std::move(rules));
}

}  // namespace dspex
