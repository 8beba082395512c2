#include "engine/signature/type_parser.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "engine/json/utf8.h"
#include "engine/signature/named_type.h"
#include "engine/signature/type_names.h"
#include "engine/signature/type_union.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

constexpr int kMaxNesting = 32;
constexpr std::size_t kMaxLiterals = 1000;
constexpr std::size_t kMaxElements = 1000;
constexpr std::size_t kMaxLanguage = 64;

constexpr absl::string_view kKnownTypes =
    "Use str, int, float, bool, bytes, list, dict, tuple, set, frozenset, Any, Optional, Union, Literal, None, "
    "datetime.date (datetime, time, timedelta), decimal.Decimal, uuid.UUID, dspy.Image (or another of DSPy's), or a "
    "type "
    "that the program declares.";

class TypeReader {
 public:
  TypeReader(TokenCursor& cursor, TypeResolver declared) : cursor_(cursor), declared_(declared) {}

  absl::StatusOr<Type> Read(int nesting) {
    const Token& first = cursor_.Peek();
    absl::StatusOr<Type> type = ReadAlternative(nesting);
    if (!type.ok() || !cursor_.Peek().Is("|")) return type;
    std::vector<Type> alternatives = {*std::move(type)};
    while (cursor_.Take("|")) {
      absl::StatusOr<Type> next = ReadAlternative(nesting);
      if (!next.ok()) return next;
      // DSPy makes Optional[int] of NoneType | int: the order changes. (None | int it leaves, None | None is NoneType.)
      const bool none_first = (alternatives.size() > 1 || !alternatives[0].alias) &&
                              std::all_of(alternatives.begin(), alternatives.end(),
                                          [](const Type& one) { return one.kind == Kind::kNone; });
      alternatives.insert(none_first ? alternatives.begin() : alternatives.end(), *std::move(next));
    }
    return MakeUnion(std::move(alternatives), first);
  }

 private:
  absl::StatusOr<Type> ReadAlternative(int nesting) {
    const Token& token = cursor_.Peek();
    if (token.Is("(")) return ReadParenthesized(nesting);
    if (token.kind == Token::Kind::kString) {
      return SignatureError(token, "a type is not written in quotes", "Leave them out, or use Literal[...].");
    }
    if (token.kind != Token::Kind::kName) return SignatureError(token, "a type is expected here", kKnownTypes);
    cursor_.Next();
    if (cursor_.Peek().Is(".")) return ReadDotted(token, nesting);
    if (std::optional<Type> type = declared_(token.value)) {
      if (!cursor_.Peek().Is("[")) return *std::move(type);
      return SignatureError(cursor_.Peek(), "a declared type takes no arguments", "Leave them out.");
    }
    return ReadForm(FindTypeName("", token.value), token.value, token, nesting);
  }

  // "typing.List", "dspy.experimental.Document".
  absl::StatusOr<Type> ReadDotted(const Token& first, int nesting) {
    std::string module;
    const Token* name = &first;
    while (cursor_.Take(".")) {
      absl::StrAppend(&module, module.empty() ? "" : ".", name->value);
      name = &cursor_.Next();
      if (name->kind != Token::Kind::kName) {
        return SignatureError(*name, "a name is expected behind the point", kKnownTypes);
      }
    }
    return ReadForm(FindTypeName(module, name->value), absl::StrCat(module, ".", name->value), first, nesting);
  }

  absl::StatusOr<Type> ReadForm(const TypeName* name, absl::string_view written, const Token& token, int nesting) {
    const std::string shown = Shorten(written, 80);
    if (name == nullptr) return SignatureError(token, absl::StrCat("the type ", shown, " is not known"), kKnownTypes);
    const bool has_arguments = cursor_.Peek().Is("[");
    Type bare{.kind = name->kind, .variadic = name->form == TypeForm::kTuple, .alias = name->alias};
    switch (name->form) {
      case TypeForm::kUnsupported:
        return SignatureError(token, absl::StrCat("the type ", shown, " is not supported"), kKnownTypes);
      case TypeForm::kPlain:
        if (has_arguments) {
          return SignatureError(cursor_.Peek(), absl::StrCat(shown, " takes no arguments"), "Leave them out.");
        }
        return bare;
      case TypeForm::kContainer:
      case TypeForm::kTuple:
      case TypeForm::kCode:
        if (!has_arguments) return bare;
        break;
      case TypeForm::kOptional:
      case TypeForm::kUnion:
      case TypeForm::kLiteral:
        if (!has_arguments) {
          return SignatureError(token, absl::StrCat(shown, " needs arguments"),
                                absl::StrCat("Write ", shown, "[...]."));
        }
        break;
    }
    if (nesting >= kMaxNesting) return TooDeep(cursor_.Peek());
    cursor_.Next();
    if (name->form == TypeForm::kLiteral) return ReadLiteral(nesting + 1);
    if (name->form == TypeForm::kCode) return ReadLanguage(std::move(bare));
    if (name->form == TypeForm::kTuple) return ReadTuple(std::move(bare), nesting + 1);
    return ReadGeneric(*name, token, nesting + 1);
  }

  // Behind "list[" and the like.
  absl::StatusOr<Type> ReadGeneric(const TypeName& name, const Token& token, int nesting) {
    std::vector<Type> arguments;
    const Token& key = cursor_.Peek();
    while (true) {
      absl::StatusOr<Type> argument = Read(nesting);
      if (!argument.ok()) return argument;
      arguments.push_back(*std::move(argument));
      absl::StatusOr<bool> closed = EndArgument();
      if (!closed.ok()) return closed.status();
      if (*closed) break;
    }
    if (name.form == TypeForm::kUnion) return MakeUnion(std::move(arguments), token);
    const std::size_t expected = name.kind == Kind::kDict ? 2 : 1;
    if (arguments.size() != expected) {
      return SignatureError(token,
                            absl::StrCat(name.name, " takes ", expected, expected == 1 ? " argument" : " arguments"),
                            expected == 2 ? "Write dict[key, value]." : "Use Union[...] for several types.");
    }
    if (name.form == TypeForm::kOptional) {
      arguments.push_back(Type{.kind = Kind::kNone});
      return MakeUnion(std::move(arguments), token);
    }
    if (name.kind == Kind::kDict && !IsHashable(arguments[0])) {
      return SignatureError(key, "lists, dicts and sets cannot be keys of a dict", "Use str for the keys.");
    }
    if ((name.kind == Kind::kSet || name.kind == Kind::kFrozenSet) && !IsHashable(arguments[0])) {
      return SignatureError(key, "lists, dicts and sets cannot be elements of a set", "Use a list of them.");
    }
    return MakeContainer(Type{.kind = name.kind, .alias = name.alias}, std::move(arguments));
  }

  // Behind "tuple[": "int, str]", "int, ...]" or "()]".
  absl::StatusOr<Type> ReadTuple(Type type, int nesting) {
    type.variadic = false;
    if (cursor_.Peek().Is("(") && cursor_.PeekSecond().Is(")")) {
      cursor_.Next();
      cursor_.Next();
      if (cursor_.Take("]")) return type;
      return SignatureError(cursor_.Peek(), "']' is expected here", "Close the bracket.");
    }
    std::vector<Type> elements;
    while (true) {
      const Token& ellipsis = cursor_.Peek();
      if (cursor_.Take("...")) {
        type.variadic = true;
        if (elements.size() != 1 || !(cursor_.Take("]") || (cursor_.Take(",") && cursor_.Take("]")))) {
          return SignatureError(ellipsis, "'...' stands behind the one type that all elements have",
                                "Write tuple[int, ...].");
        }
        break;
      }
      absl::StatusOr<Type> element = Read(nesting);
      if (!element.ok()) return element;
      elements.push_back(*std::move(element));
      if (elements.size() > kMaxElements) {
        return SignatureError(ellipsis, absl::StrCat("the tuple has more than ", kMaxElements, " elements"),
                              "Use a list.");
      }
      absl::StatusOr<bool> closed = EndArgument();
      if (!closed.ok()) return closed.status();
      if (*closed) break;
    }
    return MakeContainer(std::move(type), std::move(elements));
  }

  // Names of typing make NoneType of None, the others leave it.
  static Type MakeContainer(Type type, std::vector<Type> arguments) {
    for (Type& argument : arguments) {
      if (argument.kind == Kind::kNone && type.alias) argument.alias = false;
    }
    type.arguments = std::move(arguments);
    return type;
  }

  // Behind "dspy.Code[".
  absl::StatusOr<Type> ReadLanguage(Type type) {
    const Token& token = cursor_.Next();
    if (token.kind != Token::Kind::kString || token.value.empty()) {
      return SignatureError(token, "dspy.Code takes the name of a language", "Write dspy.Code[\"python\"].");
    }
    if (token.value.size() > kMaxLanguage) {
      return SignatureError(token, absl::StrCat("the language is longer than ", kMaxLanguage, " bytes"), "Shorten it.");
    }
    type.language = token.value;
    if (cursor_.Take("]")) return type;
    return SignatureError(cursor_.Peek(), "']' is expected here", "Close the bracket.");
  }

  // Takes what follows an argument; whether that ends the list.
  absl::StatusOr<bool> EndArgument() {
    if (cursor_.Take("]")) return true;
    if (!cursor_.Take(",")) return SignatureError(cursor_.Peek(), "',' or ']' is expected here", "Close the bracket.");
    return cursor_.Take("]");
  }

  // Behind "Literal[".
  absl::StatusOr<Type> ReadLiteral(int nesting) {
    Type type{.kind = Kind::kLiteral};
    absl::flat_hash_set<Type::LiteralValue> seen;
    while (true) {
      const Token& token = cursor_.Peek();
      std::vector<Type::LiteralValue> values;
      absl::Status status = ReadLiteralValues(nesting, values);
      if (!status.ok()) return status;
      for (Type::LiteralValue& value : values) {
        if (seen.insert(value).second) type.literals.push_back(std::move(value));
      }
      if (type.literals.size() > kMaxLiterals) {
        return SignatureError(token, absl::StrCat("the Literal has more than ", kMaxLiterals, " values"), "Use fewer.");
      }
      absl::StatusOr<bool> closed = EndArgument();
      if (!closed.ok()) return closed.status();
      if (*closed) return type;
    }
  }

  // A value, or those of a Literal within the Literal.
  absl::Status ReadLiteralValues(int nesting, std::vector<Type::LiteralValue>& values) {
    if (cursor_.Peek().kind == Token::Kind::kName && (cursor_.PeekSecond().Is("[") || cursor_.PeekSecond().Is("."))) {
      const Token& token = cursor_.Peek();
      absl::StatusOr<Type> inner = ReadAlternative(nesting);
      if (!inner.ok()) return inner.status();
      if (inner->kind != Kind::kLiteral) return NoLiteral(token);
      values = std::move(inner->literals);
      return absl::OkStatus();
    }
    absl::StatusOr<Type::LiteralValue> value = ReadLiteralValue();
    if (!value.ok()) return value.status();
    values.push_back(*std::move(value));
    return absl::OkStatus();
  }

  absl::StatusOr<Type::LiteralValue> ReadLiteralValue() {
    const Token& token = cursor_.Next();
    if (token.kind == Token::Kind::kString) {
      std::string text = token.value;
      while (cursor_.Peek().kind == Token::Kind::kString) text += cursor_.Next().value;
      return Type::LiteralValue(std::move(text));
    }
    if (token.kind == Token::Kind::kNumber) {
      if (token.is_integer && token.integer <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return Type::LiteralValue(static_cast<std::int64_t>(token.integer));
      }
      return SignatureError(token, "a number in a Literal is a whole number of at most 64 bits", "Use a string.");
    }
    if (token.Is("-") || token.Is("+")) {
      return SignatureError(token, "a number in a Literal has no sign", "Use a string.");
    }
    if (token.kind == Token::Kind::kName) {
      if (token.value == "True") return Type::LiteralValue(true);
      if (token.value == "False") return Type::LiteralValue(false);
      if (token.value == "None") return Type::LiteralValue(std::monostate());
    }
    return NoLiteral(token);
  }

  static absl::Status NoLiteral(const Token& token) {
    return SignatureError(token, "a Literal holds strings, whole numbers, True, False and None",
                          "Put text in quotes: Literal['yes', 'no'].");
  }

  absl::StatusOr<Type> ReadParenthesized(int nesting) {
    const Token& open = cursor_.Peek();
    if (nesting >= kMaxNesting) return TooDeep(open);
    cursor_.Next();
    if (cursor_.Peek().Is(")")) return SignatureError(open, "a tuple is not a type", kKnownTypes);
    absl::StatusOr<Type> type = Read(nesting + 1);
    if (!type.ok()) return type;
    if (cursor_.Peek().Is(",")) return SignatureError(open, "a tuple is not a type", kKnownTypes);
    if (!cursor_.Take(")")) return SignatureError(cursor_.Peek(), "')' is expected here", "Close the parenthesis.");
    return type;
  }

  static bool IsHashable(const Type& type) {
    switch (type.kind) {
      case Kind::kList:
      case Kind::kDict:
      case Kind::kSet:
        return false;
      case Kind::kUnion:
      case Kind::kTuple:
        return std::all_of(type.arguments.begin(), type.arguments.end(), IsHashable);
      default:
        return true;
    }
  }

  static absl::Status TooDeep(const Token& token) {
    return SignatureError(token, absl::StrCat("brackets nest deeper than ", kMaxNesting, " levels"),
                          "Flatten the type.");
  }

  TokenCursor& cursor_;
  TypeResolver declared_;
};

}  // namespace

std::optional<Type> DeclaredType(const std::shared_ptr<const TypeTable>& types, absl::string_view name) {
  std::shared_ptr<const NamedType> named = types == nullptr ? nullptr : types->Find(name);
  if (named == nullptr) return std::nullopt;
  Type type = named->kind == Kind::kModel || named->kind == Kind::kEnum ? Type{.kind = named->kind} : named->value;
  type.named = std::move(named);
  return type;
}

absl::StatusOr<Type> ReadType(TokenCursor& cursor, TypeResolver declared) {
  absl::StatusOr<Type> type = TypeReader(cursor, declared).Read(0);
  // Where a name of typing is all of a type, DSPy refuses it; here it is its twin.
  if (type.ok() && type->arguments.empty() && type->kind != Kind::kNone) type->alias = false;
  return type;
}

absl::StatusOr<Type> ParseTypeWith(absl::string_view text, TypeResolver declared) {
  const absl::StatusOr<std::vector<Token>> tokens = Tokenize(text);
  if (!tokens.ok()) return tokens.status();
  TokenCursor cursor(*tokens);
  absl::StatusOr<Type> type = ReadType(cursor, declared);
  if (type.ok() && cursor.Peek().kind != Token::Kind::kEnd) {
    return SignatureError(cursor.Peek(), "the type ends before this", "Remove what follows it.");
  }
  if (type.ok() && type->kind == Kind::kNone) type->alias = false;
  return type;
}

absl::StatusOr<Type> ParseType(absl::string_view text, const std::shared_ptr<const TypeTable>& types) {
  return ParseTypeWith(text, [&types](absl::string_view name) { return DeclaredType(types, name); });
}

}  // namespace dspex
