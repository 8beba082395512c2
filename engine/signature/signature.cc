#include "engine/signature/signature.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <utility>

#include "dspex/v1/signature.pb.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/utf8.h"
#include "engine/signature/docstring.h"
#include "engine/signature/tokenizer.h"
#include "engine/signature/type_parser.h"

namespace dspex {

namespace {

constexpr std::size_t kMaxFields = 200;
constexpr absl::string_view kForm = "Write \"name: type, ... -> name: type, ...\".";

std::string DefaultDescription(absl::string_view name) { return absl::StrCat("${", name, "}"); }

const Field* Find(const std::vector<Field>& fields, absl::string_view name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [name](const Field& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

void AppendFields(std::string& out, const std::vector<Field>& fields) {
  absl::string_view separator;
  for (const Field& field : fields) {
    absl::StrAppend(&out, separator, field.name, ": ", field.type.ToNotation());
    separator = ", ";
  }
}

// The string form.
class SignatureReader {
 public:
  explicit SignatureReader(const std::vector<Token>& tokens) : cursor_(tokens) {}

  absl::Status Read() {
    absl::Status status = ReadSide(inputs_);
    if (!status.ok()) return status;
    const Token& arrow = cursor_.Peek();
    if (!cursor_.Take("->")) return SignatureError(arrow, "it has no '->' between inputs and outputs", kForm);
    status = ReadSide(outputs_);
    if (!status.ok()) return status;
    const Token& end = cursor_.Peek();
    if (end.Is("->")) return SignatureError(end, "it has a second '->'", kForm);
    if (outputs_.empty()) return SignatureError(end, "it has no output field", "Name at least one behind '->'.");
    return absl::OkStatus();
  }

  std::vector<Field> TakeInputs() { return std::move(inputs_); }
  std::vector<Field> TakeOutputs() { return std::move(outputs_); }

 private:
  bool AtSideEnd() const { return cursor_.Peek().Is("->") || cursor_.Peek().kind == Token::Kind::kEnd; }

  absl::Status ReadSide(std::vector<Field>& side) {
    while (!AtSideEnd()) {
      absl::Status status = ReadField(side);
      if (!status.ok()) return status;
      if (AtSideEnd()) break;
      if (!cursor_.Take(",")) {
        return SignatureError(cursor_.Peek(), "',' or '->' is expected here", kForm);
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadField(std::vector<Field>& side) {
    const Token& token = cursor_.Peek();
    if (token.kind != Token::Kind::kName) return SignatureError(token, "a field's name is expected here", kForm);
    if (IsPythonKeyword(token.value)) {
      return SignatureError(token, "a field cannot have the name of a Python keyword", "Choose another name.");
    }
    if (Find(inputs_, token.value) != nullptr || Find(outputs_, token.value) != nullptr) {
      return SignatureError(token, "two fields have this name", "Give each field a name of its own.");
    }
    if (inputs_.size() + outputs_.size() == kMaxFields) {
      return SignatureError(token, absl::StrCat("it has more than ", kMaxFields, " fields"), "Use fewer.");
    }
    cursor_.Next();
    Field field{token.value, Type(), DefaultDescription(token.value)};
    if (cursor_.Take(":")) {
      absl::StatusOr<Type> type = ReadType(cursor_);
      if (!type.ok()) return type.status();
      field.type = *std::move(type);
    }
    if (cursor_.Take("=")) {
      absl::Status status = SkipDefault();
      if (!status.ok()) return status;
    }
    side.push_back(std::move(field));
    return absl::OkStatus();
  }

  // A default value goes to the next comma or arrow outside of brackets.
  absl::Status SkipDefault() {
    const Token& first = cursor_.Peek();
    std::vector<const Token*> open;
    bool empty = true;
    while (cursor_.Peek().kind != Token::Kind::kEnd) {
      const Token& token = cursor_.Peek();
      if (token.kind == Token::Kind::kInvalid) return token.error;
      if (open.empty() && (token.Is(",") || token.Is("->"))) break;
      if (token.Is("[") || token.Is("(") || token.Is("{")) open.push_back(&token);
      if (token.Is("]") || token.Is(")") || token.Is("}")) {
        const char opening = token.Is("]") ? '[' : token.Is(")") ? '(' : '{';
        if (open.empty() || open.back()->text[0] != opening) {
          return SignatureError(token, "no bracket is open that this one closes", "Remove it.");
        }
        open.pop_back();
      }
      cursor_.Next();
      empty = false;
    }
    if (empty) return SignatureError(first, "a default value is expected behind '='", "Write one, or drop the '='.");
    if (!open.empty()) return SignatureError(*open.back(), "this bracket is not closed", "Close it.");
    return absl::OkStatus();
  }

  TokenCursor cursor_;
  std::vector<Field> inputs_;
  std::vector<Field> outputs_;
};

absl::Status FieldError(absl::string_view path, absl::string_view name, absl::string_view problem,
                        absl::string_view advice) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidSignature,
               absl::StrCat("The signature's ", path, " is wrong: ", problem, ". ", advice))
      .With("field", Shorten(name, 40))
      .Violation(path, problem);
}

// ParseType's error, told of the field.
absl::Status TypeError(absl::string_view path, absl::string_view name, const absl::Status& status) {
  const std::string shown = Shorten(name, 40);
  const absl::string_view problem = absl::StripPrefix(status.message(), kSignatureSubject);
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidSignature,
               absl::StrCat("The type of field ", shown, problem))
      .With("field", shown)
      .With("position", ErrorMetadata(status, "position"))
      .With("token", ErrorMetadata(status, "token"))
      .Violation(path, absl::StrCat("the type", problem));
}

// Reads one side of the structured form, named "inputs" or "outputs"; `other` is the side read before.
template <typename ProtoFields>
absl::Status ReadProtoSide(absl::string_view side_name, const ProtoFields& protos, const std::vector<Field>& other,
                           std::vector<Field>& side) {
  for (const v1::Field& proto : protos) {
    const std::string path = absl::StrCat(side_name, "[", side.size(), "]");
    const std::string name = NormalizeIdentifier(proto.name());
    const std::string name_path = absl::StrCat(path, ".name");
    if (name.empty() || IsPythonKeyword(name) || name.size() > kMaxSignatureBytes) {
      return FieldError(name_path, proto.name(), "the name is no Python identifier",
                        "Use letters, digits and underscores, no digit first, no keyword.");
    }
    if (Find(side, name) != nullptr || Find(other, name) != nullptr) {
      return FieldError(name_path, name, "two fields have this name", "Give each field a name of its own.");
    }
    if (side.size() + other.size() == kMaxFields) {
      return FieldError(path, name, absl::StrCat("it has more than ", kMaxFields, " fields"), "Use fewer.");
    }
    Field field{name, Type(), proto.description().empty() ? DefaultDescription(name) : proto.description()};
    if (!proto.type().empty()) {
      absl::StatusOr<Type> type = ParseType(proto.type());
      if (!type.ok()) return TypeError(absl::StrCat(path, ".type"), name, type.status());
      field.type = *std::move(type);
    }
    side.push_back(std::move(field));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Signature> Signature::FromString(absl::string_view text, absl::string_view instructions) {
  const absl::StatusOr<std::vector<Token>> tokens = Tokenize(text);
  if (!tokens.ok()) return tokens.status();
  SignatureReader reader(*tokens);
  const absl::Status status = reader.Read();
  if (!status.ok()) return status;
  return Signature(reader.TakeInputs(), reader.TakeOutputs(), instructions);
}

absl::StatusOr<Signature> Signature::FromProto(const v1::Signature& proto, absl::string_view instructions) {
  std::vector<Field> inputs;
  std::vector<Field> outputs;
  absl::Status status = ReadProtoSide("inputs", proto.inputs(), outputs, inputs);
  if (status.ok()) status = ReadProtoSide("outputs", proto.outputs(), inputs, outputs);
  if (!status.ok()) return status;
  if (outputs.empty()) {
    return FieldError("outputs", "", "it has no output field", "Give at least one.");
  }
  return Signature(std::move(inputs), std::move(outputs), instructions.empty() ? proto.instructions() : instructions);
}

Signature::Signature(std::vector<Field> inputs, std::vector<Field> outputs, absl::string_view instructions)
    : instructions_(CleanDocstring(instructions)), inputs_(std::move(inputs)), outputs_(std::move(outputs)) {}

const Field* Signature::FindInput(absl::string_view name) const { return Find(inputs_, name); }
const Field* Signature::FindOutput(absl::string_view name) const { return Find(outputs_, name); }

std::string Signature::ToString() const {
  std::string out;
  AppendFields(out, inputs_);
  absl::StrAppend(&out, inputs_.empty() ? "-> " : " -> ");
  AppendFields(out, outputs_);
  return out;
}

}  // namespace dspex
