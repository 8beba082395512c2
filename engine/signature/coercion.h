#pragma once

#include <absl/strings/string_view.h>

#include <cstddef>
#include <optional>
#include <string>

#include "engine/json/json.h"
#include "engine/json/python_literal.h"
#include "engine/signature/type.h"

namespace dspex {

/// One conversion of a value into one of a type, in place: the rules are pydantic's lax mode, with its "smart" choice
/// among the alternatives of a Union (the one that takes most fields of models, then the one that changes the value
/// least, then the first). Not to be used twice.
///
/// Values of JSON are expected, and what ParsePythonLiteral reads beyond it.
class Coercion {
 public:
  struct Options {
    /// The value is one that a user gives, not a completion: model fields may stand under their names as well as under
    /// their aliases, an Image may be its URL, a Tool is described.
    bool given = false;
    /// What an array at the top of the value is in Python.
    PythonRoot root = PythonRoot::kValue;
  };

  /// Why a value was refused. `path` is put together on the way out.
  struct Refusal {
    std::string path;
    std::string type;
    /// Python would raise what pydantic does not catch: no other alternative of a Union is tried.
    bool fatal = false;
  };

  Coercion() = default;
  explicit Coercion(Options options) : options_(options) {}

  /// Whether the value is now one of the type. After a refusal it is unspecified.
  bool Run(const Type& type, Json& value);

  const Refusal& refusal() const { return refusal_; }

 private:
  // How much a value had to change.
  enum class Exactness { kLax, kStrict, kExact };

  // coercion.cc
  bool Refuse(const Type& type);
  bool Abort(const Type& type);
  bool RefuseBelow(absl::string_view segment);
  void Floor(Exactness exactness);
  void CountFields(std::size_t fields);
  bool AcceptAs(const Type& type, Exactness exactness);

  // coerce_scalar.cc
  bool RunScalar(const Type& type, Json& value);
  bool RunStr(const Type& type, Json& value);
  bool RunBytes(const Type& type, Json& value);
  bool RunTimedelta(const Type& type, Json& value);
  bool RunDecimal(const Type& type, Json& value);
  bool RunUuid(const Type& type, Json& value);
  bool RunAny(Json& value);
  template <typename Converted>
  bool Replace(const Type& type, Json& value, Converted converted);

  // coerce_choice.cc
  bool RunLiteral(const Type& type, Json& value);
  bool RunEnum(const Type& type, Json& value);

  // coerce_union.cc
  bool RunUnion(const Type& type, Json& value);
  bool RunOnly(const Type& type, const Type& alternative, Json& value);
  bool RunBest(const Type& type, Json& value);
  bool Copy(const Json& value, Json& copy);

  // coerce_container.cc
  bool RunList(const Type& type, Json& value);
  bool RunTuple(const Type& type, Json& value);
  bool RunSet(const Type& type, Json& value);
  bool RunDict(const Type& type, Json& value);
  bool RunKeys(const Type& type, Json& value);
  bool RunElements(const Type& element, Json& value);

  // coerce_model.cc
  bool RunModel(const Type& type, Json& value);

  // coerce_dspy.cc
  bool RunText(const Type& type, const char* key, Json& value);
  bool RunHistory(const Type& type, Json& value);
  bool RunDocument(const Type& type, Json& value);
  bool RunCitations(const Type& type, Json& value);
  bool RunTool(const Type& type, Json& value);
  bool RunToolCalls(const Type& type, Json& value);
  bool RunToolCallResults(const Type& type, Json& value);
  bool RunDspy(const Type& type, Json& value);

  // coerce_media.cc
  bool RunImage(const Type& type, Json& value);
  bool RunAudio(const Type& type, Json& value);
  bool RunFile(const Type& type, Json& value);

  Options options_;
  Refusal refusal_;
  Exactness exactness_ = Exactness::kExact;
  // How many fields of models were given, if there are models.
  std::optional<std::size_t> fields_;
  // The alternative that took the value, where the last type was a Union.
  const Type* leaf_ = nullptr;
  int depth_ = 0;
  // Values that Unions copied to try alternatives.
  std::size_t copied_ = 0;
};

/// JSON's text for a value that it has not; false for an Ellipsis and for bytes that are not UTF-8, which have none.
bool MakeJson(Json& value);

/// A text that is equal for values that Python holds for equal (1, 1.0 and True are), of a scalar type.
std::string EqualityKey(const Type& type, const Json& value);

/// The text of a dict's key in JSON.
std::string KeyText(const Json& key);

/// Whether the bounds of a declared type, if it has any, hold. Lengths of texts count characters.
bool MeetsConstraints(const Type& type, const Json& value);

}  // namespace dspex
