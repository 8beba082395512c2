#include "engine/signature/field_constraint.h"

#include <absl/strings/str_cat.h>
#include <re2/re2.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "engine/json/utf8.h"
#include "engine/signature/schema_pattern.h"

namespace dspex {

namespace {

constexpr std::size_t kMaxChoices = 1000;

// A number, or text of one of the types that are written as text (a date, a Decimal).
bool IsBound(const Json& value) { return value.is_number() || value.is_string(); }
bool IsPositive(const Json& value) { return value.is_number() && value.get<double>() > 0; }
bool IsCount(const Json& value) { return value.is_number_unsigned() || (value.is_number_integer() && value >= 0); }
bool IsFlag(const Json& value) { return value.is_boolean(); }
bool IsPattern(const Json& value) {
  return value.is_string() && CompileSchemaPattern(value.get_ref<const std::string&>()).ok();
}
bool IsChoice(const Json& value) {
  return value.is_array() && !value.empty() && value.size() <= kMaxChoices &&
         std::all_of(value.begin(), value.end(), [](const Json& choice) { return choice.is_primitive(); });
}

struct Rule {
  absl::string_view name;
  bool (*accepts)(const Json&);
  absl::string_view takes;
};

constexpr Rule kRules[] = {
    {"gt", IsBound, "a number"},
    {"ge", IsBound, "a number"},
    {"lt", IsBound, "a number"},
    {"le", IsBound, "a number"},
    {"multiple_of", IsPositive, "a positive number"},
    {"min_length", IsCount, "a whole number that is not negative"},
    {"max_length", IsCount, "a whole number that is not negative"},
    {"allow_inf_nan", IsFlag, "true or false"},
    {"pattern", IsPattern, "a regular expression in the syntax of RE2"},
    {"one_of", IsChoice, "a list of at most 1000 scalars"},
    {"min_items", IsCount, "a whole number that is not negative"},
    {"max_items", IsCount, "a whole number that is not negative"},
    {"unique", IsFlag, "true or false"},
};

}  // namespace

std::string ConstraintProblem(absl::string_view rule, const Json& value) {
  const auto* known =
      std::find_if(std::begin(kRules), std::end(kRules), [rule](const Rule& entry) { return entry.name == rule; });
  if (known == std::end(kRules)) return absl::StrCat("the constraint ", Shorten(rule, 40), " is not known");
  if (!known->accepts(value)) return absl::StrCat("the constraint ", rule, " takes ", known->takes);
  return "";
}

}  // namespace dspex
