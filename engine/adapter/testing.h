#pragma once

#include <absl/strings/string_view.h>

#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/adapter/adapter.h"
#include "engine/signature/named_type.h"

/// Short ways to adapters and their messages, for tests.
namespace dspex::testing_support {

/// A table of declared types, each {name, JSON Schema}.
inline std::shared_ptr<const TypeTable> Types(std::initializer_list<std::pair<const char*, const char*>> types) {
  std::vector<TypeTable::Declaration> declarations;
  for (const auto& [name, schema] : types) declarations.emplace_back(name, Json::parse(schema));
  return TypeTable::Create(std::move(declarations)).value();
}

inline Signature Sig(absl::string_view text, absl::string_view instructions = "",
                     const std::shared_ptr<const TypeTable>& types = nullptr) {
  return Signature::FromString(text, instructions, types).value();
}

inline std::shared_ptr<const BoundAdapter> Bind(AdapterKind kind, const Signature& signature,
                                                const std::vector<Json>& demos = {}, bool native = false) {
  return BindAdapter({kind, native}, Phrasebook::BuiltIn(), signature, demos).value();
}

inline const std::string& TextOf(const lm::Message& message) {
  return std::get<lm::TextPart>(message.parts.at(0)).text;
}

/// The text of the one turn that the inputs give.
inline std::string TurnText(const BoundAdapter& adapter, const Json& inputs) {
  return TextOf(adapter.Turns(inputs).value().back());
}

/// Messages as a person reads them.
inline std::string Rendered(const std::vector<lm::Message>& messages) {
  static constexpr const char* kRoles[] = {"system", "user", "assistant", "tool"};
  std::string out;
  for (const lm::Message& message : messages) {
    out += std::string("=== ") + kRoles[static_cast<int>(message.role)] + "\n";
    for (const lm::Part& part : message.parts) {
      if (const auto* text = std::get_if<lm::TextPart>(&part)) out += text->text;
      if (const auto* image = std::get_if<lm::ImagePart>(&part)) out += "(image " + image->url + ")";
      if (const auto* call = std::get_if<lm::ToolCallPart>(&part)) out += "(call " + call->name + call->arguments + ")";
      if (const auto* result = std::get_if<lm::ToolResultPart>(&part)) out += "(result " + result->content + ")";
      if (const auto* block = std::get_if<lm::BlockPart>(&part)) out += "(block " + block->json + ")";
    }
    out += "\n";
  }
  return out;
}

}  // namespace dspex::testing_support
