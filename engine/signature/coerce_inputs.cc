#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/nearest.h"
#include "engine/base/reasons.h"
#include "engine/json/utf8.h"
#include "engine/signature/coerce.h"
#include "engine/signature/coerce_error.h"
#include "engine/signature/coercion.h"

namespace dspex {

namespace {

constexpr std::size_t kMaxShown = 64;

absl::Status InvalidInput(const Field& field, const Coercion::Refusal& refusal) {
  Error error = RefusedValue(absl::StrCat("The input ", field.name), refusal);
  return std::move(error.With("field", field.name))
      .Violation(absl::StrCat(field.name, refusal.path), absl::StrCat("is no ", refusal.type));
}

absl::Status NoObject() {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
               "The inputs are no JSON object. Give an object with a member for each input field.");
}

absl::Status UnknownInput(const Signature& signature, absl::string_view name) {
  const std::string shown = Shorten(name, kMaxShown);
  const std::string nearest = Nearest(name, FieldNames(signature.inputs()));
  std::string advice = "Leave it out.";
  if (!nearest.empty()) {
    advice = absl::StrCat("Did you mean ", nearest, "?");
  } else if (signature.FindOutput(name) != nullptr) {
    advice = "It is an output: leave it out.";
  }
  return Error(absl::StatusCode::kInvalidArgument, reason::kUnknownField,
               absl::StrCat("The signature has no input ", shown, ". ", advice))
      .With("field", shown)
      .Violation(shown, "is no input of the signature");
}

absl::Status MissingInput(const Field& field) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kMissingInput,
               absl::StrCat("The input ", field.name, " is missing. Give a value of type ", field.type.ToString(), "."))
      .With("field", field.name)
      .With("type", field.type.ToString())
      .Violation(field.name, "is missing");
}

bool TakesNone(const Type& type) {
  return type.kind == Type::Kind::kAny || type.AllowsNone() ||
         (type.kind == Type::Kind::kLiteral &&
          std::find(type.literals.begin(), type.literals.end(), Type::LiteralValue()) != type.literals.end());
}

// Whether the members are the signature's inputs, all and in order, as most callers send them.
bool InOrder(const std::vector<Field>& fields, const Json::object_t& members) {
  return fields.size() == members.size() &&
         std::equal(fields.begin(), fields.end(), members.begin(),
                    [](const Field& field, const auto& member) { return field.name == member.first; });
}

// The members that are inputs, by field; null where one is missing.
std::vector<Json*> ByField(const Signature& signature, Json& inputs, std::vector<std::string>& unknown) {
  const std::vector<Field>& fields = signature.inputs();
  std::vector<Json*> given(fields.size(), nullptr);
  for (auto& [name, value] : inputs.get_ref<Json::object_t&>()) {
    const Field* field = signature.FindInput(name);
    if (field == nullptr) {
      unknown.push_back(name);
    } else {
      given[static_cast<std::size_t>(field - fields.data())] = &value;
    }
  }
  return given;
}

absl::StatusOr<Json> Reorder(const Signature& signature, Json inputs) {
  std::vector<std::string> unknown;
  const std::vector<Json*> given = ByField(signature, inputs, unknown);
  if (!unknown.empty()) return UnknownInput(signature, unknown.front());
  const std::vector<Field>& fields = signature.inputs();
  Json::object_t ordered;
  ordered.reserve(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (given[i] != nullptr) {
      ordered.emplace_back(fields[i].name, std::move(*given[i]));
    } else if (fields[i].default_value != nullptr) {
      ordered.emplace_back(fields[i].name, *fields[i].default_value);
    } else if (!TakesNone(fields[i].type)) {
      return MissingInput(fields[i]);
    }
  }
  return Json(std::move(ordered));
}

bool IsModel(Type::Kind kind) { return kind == Type::Kind::kModel || IsDspyType(kind); }

// Makes values of models where objects stand for them; everything else stays.
class Taker {
 public:
  bool Take(const Type& type, Json& value) {
    if (IsModel(type.kind)) return TakeModel(type, value);
    switch (type.kind) {
      case Type::Kind::kUnion:
        return TakeUnion(type, value);
      case Type::Kind::kList:
      case Type::Kind::kSet:
      case Type::Kind::kFrozenSet:
      case Type::Kind::kTuple:
        return TakeElements(type, value);
      case Type::Kind::kDict:
        if (type.arguments.size() < 2 || !value.is_object()) return true;
        for (auto& [name, member] : value.get_ref<Json::object_t&>()) {
          if (!Take(type.arguments[1], member)) return Below(absl::StrCat(".", Shorten(name, kMaxShown)));
        }
        return true;
      default:
        return true;
    }
  }

  const Coercion::Refusal& refusal() const { return refusal_; }

 private:
  bool TakeModel(const Type& type, Json& value) {
    // A text for a Reasoning or Code is what its instance dumps; null is no instance.
    if (value.is_null()) return true;
    if (value.is_string() && (type.kind == Type::Kind::kReasoning || type.kind == Type::Kind::kCode)) return true;
    ++models_;
    Coercion coercion({.given = true});
    if (coercion.Run(type, value)) return true;
    refusal_ = coercion.refusal();
    return false;
  }

  // The first alternative with models that the value has; a value of any other stays.
  bool TakeUnion(const Type& type, Json& value) {
    if (!value.is_object() && !value.is_array()) return true;
    for (const Type& alternative : type.arguments) {
      if (IsModel(alternative.kind) && !value.is_object()) continue;
      Json copy = value;
      const int before = models_;
      if (!Take(alternative, copy) || models_ == before) continue;
      value = std::move(copy);
      return true;
    }
    refusal_ = {};
    return true;
  }

  bool TakeElements(const Type& type, Json& value) {
    if (type.arguments.empty() || !value.is_array()) return true;
    const bool fixed = type.kind == Type::Kind::kTuple && !type.variadic;
    std::size_t index = 0;
    for (Json& element : value.get_ref<Json::array_t&>()) {
      if (fixed && index >= type.arguments.size()) break;
      if (!Take(type.arguments[fixed ? index : 0], element)) return Below(absl::StrCat("[", index, "]"));
      ++index;
    }
    return true;
  }

  bool Below(const std::string& segment) {
    refusal_.path.insert(0, segment);
    return false;
  }

  Coercion::Refusal refusal_;
  // Models that were met.
  int models_ = 0;
};

}  // namespace

bool IsRequired(const Field& input) { return input.default_value == nullptr && !TakesNone(input.type); }

absl::StatusOr<Json> CoerceInputs(const Signature& signature, Json inputs) {
  if (!inputs.is_object()) return NoObject();
  if (!InOrder(signature.inputs(), inputs.get_ref<const Json::object_t&>())) {
    absl::StatusOr<Json> ordered = Reorder(signature, std::move(inputs));
    if (!ordered.ok()) return ordered;
    inputs = *std::move(ordered);
  }
  auto field = signature.inputs().begin();
  for (auto& [name, value] : inputs.get_ref<Json::object_t&>()) {
    while (field->name != name) ++field;  // Members stand in the fields' order; some may be absent.
    Coercion coercion({.given = true});
    if (!coercion.Run(field->type, value)) return InvalidInput(*field, coercion.refusal());
  }
  return inputs;
}

absl::StatusOr<Json> TakeInputs(const Signature& signature, Json inputs, std::vector<std::string>& warnings) {
  if (!inputs.is_object()) return NoObject();
  std::vector<std::string> unknown;
  const std::vector<Json*> given = ByField(signature, inputs, unknown);
  for (const std::string& name : unknown) {
    warnings.push_back(absl::StrCat("The signature has no input ", Shorten(name, kMaxShown), ": it is ignored."));
  }
  const std::vector<Field>& fields = signature.inputs();
  Json::object_t taken;
  taken.reserve(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    if (given[i] != nullptr) {
      Taker taker;
      if (!taker.Take(field.type, *given[i])) return InvalidInput(field, taker.refusal());
      taken.emplace_back(field.name, std::move(*given[i]));
    } else if (field.default_value != nullptr) {
      taken.emplace_back(field.name, *field.default_value);
    } else if (!field.type.AllowsNone()) {
      warnings.push_back(absl::StrCat("The input ", field.name, " is missing."));
    }
  }
  return Json(std::move(taken));
}

}  // namespace dspex
