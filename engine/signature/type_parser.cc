#include "engine/signature/type_parser.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "engine/json/utf8.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

constexpr int kMaxNesting = 32;
constexpr std::size_t kMaxAlternatives = 64;
constexpr std::size_t kMaxLiterals = 1000;

constexpr absl::string_view kKnownTypes =
    "Use str, int, float, bool, list, dict, Any, Optional, Union, Literal or None.";

// What a name stands for. Optional, Union and Literal are forms that need arguments.
enum class Form { kPlain, kList, kDict, kOptional, kUnion, kLiteral, kUnsupported };

struct NamedForm {
  absl::string_view name;
  Form form;
  Kind kind = Kind::kAny;
};

constexpr NamedForm kForms[] = {
    {"str", Form::kPlain, Kind::kStr},
    {"int", Form::kPlain, Kind::kInt},
    {"float", Form::kPlain, Kind::kFloat},
    {"bool", Form::kPlain, Kind::kBool},
    {"None", Form::kPlain, Kind::kNone},
    {"NoneType", Form::kPlain, Kind::kNone},
    {"Any", Form::kPlain, Kind::kAny},
    {"list", Form::kList, Kind::kList},
    {"List", Form::kList, Kind::kList},
    {"dict", Form::kDict, Kind::kDict},
    {"Dict", Form::kDict, Kind::kDict},
    {"Optional", Form::kOptional},
    {"Union", Form::kUnion},
    {"Literal", Form::kLiteral},
    {"tuple", Form::kUnsupported},
    {"Tuple", Form::kUnsupported},
    {"set", Form::kUnsupported},
    {"Set", Form::kUnsupported},
    {"frozenset", Form::kUnsupported},
    {"FrozenSet", Form::kUnsupported},
    {"bytes", Form::kUnsupported},
    {"complex", Form::kUnsupported},
};

const NamedForm* FindForm(absl::string_view name) {
  const auto* found =
      std::find_if(std::begin(kForms), std::end(kForms), [name](const NamedForm& form) { return form.name == name; });
  return found == std::end(kForms) ? nullptr : found;
}

// Flattens nested unions and drops duplicates, as typing.Union does.
absl::StatusOr<Type> MakeUnion(std::vector<Type> alternatives, const Token& token) {
  Type result{Kind::kUnion, {}, {}};
  const auto add = [&result](Type& alternative) {
    if (std::find(result.arguments.begin(), result.arguments.end(), alternative) == result.arguments.end()) {
      result.arguments.push_back(std::move(alternative));
    }
    return result.arguments.size() <= kMaxAlternatives;
  };
  bool fits = true;
  for (Type& alternative : alternatives) {
    if (alternative.kind == Kind::kUnion) {
      for (Type& inner : alternative.arguments) fits = fits && add(inner);
    } else {
      fits = fits && add(alternative);
    }
  }
  if (!fits) {
    return SignatureError(token, absl::StrCat("the union has more than ", kMaxAlternatives, " alternatives"),
                          "Use fewer.");
  }
  if (result.arguments.size() == 1) {
    Type only = std::move(result.arguments.front());
    return only;
  }
  return result;
}

class TypeReader {
 public:
  explicit TypeReader(TokenCursor& cursor) : cursor_(cursor) {}

  absl::StatusOr<Type> Read(int nesting) {
    const Token& first = cursor_.Peek();
    absl::StatusOr<Type> type = ReadAlternative(nesting);
    if (!type.ok() || !cursor_.Peek().Is("|")) return type;
    std::vector<Type> alternatives = {*std::move(type)};
    while (cursor_.Take("|")) {
      absl::StatusOr<Type> next = ReadAlternative(nesting);
      if (!next.ok()) return next;
      alternatives.push_back(*std::move(next));
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
    absl::string_view name = token.value;
    if (cursor_.Peek().Is(".")) {
      absl::StatusOr<absl::string_view> member = ReadMember(token);
      if (!member.ok()) return member.status();
      name = *member;
    }
    const NamedForm* form = FindForm(name);
    if (form == nullptr) {
      return SignatureError(token, absl::StrCat("the type ", Shorten(name, 40), " is not known"), kKnownTypes);
    }
    return ReadForm(*form, token, nesting);
  }

  // "typing.List": the one module whose names are known.
  absl::StatusOr<absl::string_view> ReadMember(const Token& module) {
    cursor_.Next();
    const Token& member = cursor_.Peek();
    if (member.kind != Token::Kind::kName) {
      return SignatureError(member, "a name is expected behind the point", kKnownTypes);
    }
    if (module.value != "typing" || FindForm(member.value) == nullptr) {
      return SignatureError(
          module,
          absl::StrCat("the type ", Shorten(module.value, 40), ".", Shorten(member.value, 40), " is not supported yet"),
          kKnownTypes);
    }
    cursor_.Next();
    return absl::string_view(member.value);
  }

  absl::StatusOr<Type> ReadForm(const NamedForm& form, const Token& token, int nesting) {
    const bool has_arguments = cursor_.Peek().Is("[");
    switch (form.form) {
      case Form::kUnsupported:
        return SignatureError(token, absl::StrCat("the type ", form.name, " is not supported yet"), kKnownTypes);
      case Form::kPlain:
        if (has_arguments) {
          return SignatureError(cursor_.Peek(), absl::StrCat(form.name, " takes no arguments"), "Leave them out.");
        }
        return Type{form.kind, {}, {}};
      case Form::kList:
      case Form::kDict:
        if (!has_arguments) return Type{form.kind, {}, {}};
        break;
      case Form::kOptional:
      case Form::kUnion:
      case Form::kLiteral:
        if (!has_arguments) {
          return SignatureError(token, absl::StrCat(form.name, " needs arguments"),
                                absl::StrCat("Write ", form.name, "[...]."));
        }
        break;
    }
    if (nesting >= kMaxNesting) return TooDeep(cursor_.Peek());
    cursor_.Next();
    return form.form == Form::kLiteral ? ReadLiteral() : ReadGeneric(form, token, nesting + 1);
  }

  // Behind "list[" and the like.
  absl::StatusOr<Type> ReadGeneric(const NamedForm& form, const Token& token, int nesting) {
    std::vector<Type> arguments;
    const Token& key = cursor_.Peek();
    while (true) {
      absl::StatusOr<Type> argument = Read(nesting);
      if (!argument.ok()) return argument;
      arguments.push_back(*std::move(argument));
      if (cursor_.Take("]")) break;
      if (!cursor_.Take(","))
        return SignatureError(cursor_.Peek(), "',' or ']' is expected here", "Close the bracket.");
      if (cursor_.Take("]")) break;
    }
    if (form.form == Form::kUnion) return MakeUnion(std::move(arguments), token);
    const std::size_t expected = form.form == Form::kDict ? 2 : 1;
    if (arguments.size() != expected) {
      return SignatureError(token,
                            absl::StrCat(form.name, " takes ", expected, expected == 1 ? " argument" : " arguments"),
                            form.form == Form::kDict ? "Write dict[key, value]." : "Use Union[...] for several types.");
    }
    if (form.form == Form::kOptional) {
      arguments.push_back(Type{Kind::kNone, {}, {}});
      return MakeUnion(std::move(arguments), token);
    }
    if (form.form == Form::kDict && !IsKeyType(arguments[0])) {
      return SignatureError(key, "lists and dicts cannot be keys of a dict", "Use str for the keys.");
    }
    return Type{form.kind, std::move(arguments), {}};
  }

  // Behind "Literal[".
  absl::StatusOr<Type> ReadLiteral() {
    Type type{Kind::kLiteral, {}, {}};
    absl::flat_hash_set<Type::LiteralValue> seen;
    while (true) {
      const Token& token = cursor_.Peek();
      absl::StatusOr<Type::LiteralValue> value = ReadLiteralValue();
      if (!value.ok()) return value.status();
      if (seen.insert(*value).second) type.literals.push_back(*std::move(value));
      if (type.literals.size() > kMaxLiterals) {
        return SignatureError(token, absl::StrCat("the Literal has more than ", kMaxLiterals, " values"), "Use fewer.");
      }
      if (cursor_.Take("]")) return type;
      if (!cursor_.Take(","))
        return SignatureError(cursor_.Peek(), "',' or ']' is expected here", "Close the bracket.");
      if (cursor_.Take("]")) return type;
    }
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

  static bool IsKeyType(const Type& type) {
    if (type.kind == Kind::kUnion) return std::all_of(type.arguments.begin(), type.arguments.end(), IsKeyType);
    return type.kind != Kind::kList && type.kind != Kind::kDict;
  }

  static absl::Status TooDeep(const Token& token) {
    return SignatureError(token, absl::StrCat("brackets nest deeper than ", kMaxNesting, " levels"),
                          "Flatten the type.");
  }

  TokenCursor& cursor_;
};

}  // namespace

absl::StatusOr<Type> ReadType(TokenCursor& cursor) { return TypeReader(cursor).Read(0); }

absl::StatusOr<Type> ParseType(absl::string_view text) {
  const absl::StatusOr<std::vector<Token>> tokens = Tokenize(text);
  if (!tokens.ok()) return tokens.status();
  TokenCursor cursor(*tokens);
  absl::StatusOr<Type> type = ReadType(cursor);
  if (type.ok() && cursor.Peek().kind != Token::Kind::kEnd) {
    return SignatureError(cursor.Peek(), "the type ends before this", "Remove what follows it.");
  }
  return type;
}

}  // namespace dspex
