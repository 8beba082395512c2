#include "providers/price_table.h"

#include <algorithm>
#include <utility>

#include "providers/pattern.h"

namespace dspex {

namespace {
constexpr std::int64_t kMillion = 1'000'000;
constexpr std::size_t kMaxDigits = 6;
}  // namespace

std::optional<Money> ParsePriceOfMillion(absl::string_view text) {
  const std::size_t point = std::min(text.find('.'), text.size());
  const absl::string_view decimals = text.substr(std::min(point + 1, text.size()));
  if (point > kMaxDigits || decimals.size() > kMaxDigits) return std::nullopt;
  const std::optional<Money> of_million = Money::Parse(text);
  if (!of_million.has_value()) return std::nullopt;
  return Money::Picodollars(of_million->picodollars() / kMillion);
}

std::string PriceOfMillion(Money of_one) { return (of_one * kMillion).ToString(); }

Money CostOf(const Usage& usage, const Price& price) {
  // Providers send the counts: parts that are more than the whole are cut.
  const long long input = std::max(0LL, usage.input_tokens);
  const long long cached = std::clamp(usage.cached_input_tokens, 0LL, input);
  const long long written = std::clamp(usage.cache_write_tokens, 0LL, input - cached);
  Money cost = price.input * (input - cached - written);
  cost += price.cached_input.value_or(price.input) * cached;
  cost += price.cache_write.value_or(price.input) * written;
  return cost + price.output * std::max(0LL, usage.output_tokens);
}

PriceTable::PriceTable(std::vector<PriceRule> rules) : rules_(std::move(rules)) {
  std::sort(rules_.begin(), rules_.end(),
            [](const PriceRule& a, const PriceRule& b) { return IsMoreSpecific(a.pattern, b.pattern); });
}

std::optional<Price> PriceTable::Find(absl::string_view name) const {
  const auto found = std::find_if(rules_.begin(), rules_.end(),
                                  [name](const PriceRule& rule) { return MatchesPattern(rule.pattern, name); });
  if (found == rules_.end()) return std::nullopt;
  return found->price;
}

std::optional<Money> PriceTable::Cost(absl::string_view name, const Usage& usage) const {
  const std::optional<Price> price = Find(name);
  if (!price.has_value()) return std::nullopt;
  return CostOf(usage, *price);
}

}  // namespace dspex
