#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "engine/signature/signature.h"
#include "engine/signature/signature_limits.h"
#include "engine/signature/tokenizer.h"
#include "engine/signature/type_parser.h"

namespace dspex {

namespace {

constexpr absl::string_view kForm = "Write \"name: type, ... -> name: type, ...\".";

bool Has(const std::vector<Field>& fields, absl::string_view name) {
  return std::any_of(fields.begin(), fields.end(), [name](const Field& field) { return field.name == name; });
}

// The string form.
class SignatureReader {
 public:
  SignatureReader(const std::vector<Token>& tokens, const std::shared_ptr<const TypeTable>& types)
      : cursor_(tokens), types_(types) {}

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
    has_default_ = false;
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
    if (Has(inputs_, token.value) || Has(outputs_, token.value)) {
      return SignatureError(token, "two fields have this name", "Give each field a name of its own.");
    }
    if (inputs_.size() + outputs_.size() == kMaxFields) {
      return SignatureError(token, absl::StrCat("it has more than ", kMaxFields, " fields"), "Use fewer.");
    }
    cursor_.Next();
    Field field = MakeField(token.value, Type());
    field.untyped = !cursor_.Take(":");
    if (!field.untyped) {
      absl::StatusOr<Type> type =
          ReadType(cursor_, [this](absl::string_view name) { return DeclaredType(types_, name); });
      if (!type.ok()) return type.status();
      // To DSPy, a None that is all of the annotation says nothing: the field is a str.
      if (type->kind != Type::Kind::kNone || !type->alias) field.type = *std::move(type);
    }
    if (cursor_.Take("=")) {
      absl::Status status = SkipDefault();
      if (!status.ok()) return status;
      has_default_ = true;
    } else if (has_default_) {
      return SignatureError(token, "a field without a default value follows one that has one",
                            "Leave default values out: they have no effect.");
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
  const std::shared_ptr<const TypeTable>& types_;
  bool has_default_ = false;  // of the side's fields so far
  std::vector<Field> inputs_;
  std::vector<Field> outputs_;
};

}  // namespace

absl::StatusOr<Signature> Signature::FromString(absl::string_view text, absl::string_view instructions,
                                                const std::shared_ptr<const TypeTable>& types) {
  const absl::StatusOr<std::vector<Token>> tokens = Tokenize(text);
  if (!tokens.ok()) return tokens.status();
  SignatureReader reader(*tokens, types);
  absl::Status status = reader.Read();
  if (!status.ok()) return status;
  // DSPy looks for the arrow in the text as it stands.
  const std::size_t arrow = text.find("->");
  const std::size_t second = text.find("->", arrow + 2);
  if (second != absl::string_view::npos) {
    return SignatureError(second, text.substr(second, 2), "it has a second '->', within a string",
                          "Write \\x2d> for '->' in a Literal.");
  }
  return Signature(reader.TakeInputs(), reader.TakeOutputs(), instructions);
}

}  // namespace dspex
