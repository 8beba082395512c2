#pragma once

#include <absl/strings/string_view.h>

#include <optional>
#include <string>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/money.h"
#include "engine/base/pricing.h"

namespace dspex {

/// What a model's tokens cost, each price for one token.
struct Price {
  Money input = {};
  Money output = {};
  /// Of input tokens that the provider read from its cache of prompts, or wrote to it; unset: as any input.
  std::optional<Money> cached_input = {};
  std::optional<Money> cache_write = {};
};

/// Reads the price of a million tokens, in dollars, as that of one, which is exact; nothing if the text is no plain
/// decimal number with at most six digits before and behind the point.
std::optional<Money> ParsePriceOfMillion(absl::string_view text);

/// The reverse: what such a text says, as a decimal number.
std::string PriceOfMillion(Money of_one);

/// What `usage` costs.
Money CostOf(const Usage& usage, const Price& price);

/// What the models cost that a pattern stands for.
struct PriceRule {
  /// "provider/model"; '*' stands for any text.
  std::string pattern;
  Price price;
};

/// Prices by the names of models. Immutable.
class PriceTable final : public Pricing {
 public:
  PriceTable() = default;
  explicit PriceTable(std::vector<PriceRule> rules);

  /// The price of the model "provider/model": of several rules that match, the one with the longer pattern; nothing if
  /// none does.
  std::optional<Price> Find(absl::string_view name) const;

  std::optional<Money> Cost(absl::string_view name, const Usage& usage) const override;

  const std::vector<PriceRule>& rules() const { return rules_; }

 private:
  /// The longest pattern first.
  std::vector<PriceRule> rules_;
};

}  // namespace dspex
