#include "engine/optimizer/instruction_proposals.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>

#include "engine/json/python_format.h"
#include "engine/signature/text_trim.h"

namespace dspex {

namespace {

// The fields' names are DSPy's: they stand in prompts.
constexpr absl::string_view kBasicInstruction = "basic_instruction";
constexpr absl::string_view kAttempts = "attempted_instructions";
constexpr absl::string_view kInstruction = "proposed_instruction";
constexpr absl::string_view kPrefix = "proposed_prefix_for_output_field";

const SignatureWording& Wording(const Phrasebook& book, absl::string_view name) {
  const auto found = book.signatures.find(name);
  return found != book.signatures.end() ? found->second : Phrasebook::BuiltIn()->signatures.at(name);
}

void AddField(absl::string_view name, const SignatureWording& wording, v1::Field& field) {
  field.set_name(std::string(name));
  const auto found = wording.descriptions.find(name);
  if (found != wording.descriptions.end()) field.set_description(found->second);
}

v1::Predictor Proposer(const SignatureWording& wording, absl::string_view input, int count, double temperature) {
  v1::Predictor predictor;
  v1::Signature& signature = *predictor.mutable_structured_signature();
  signature.set_instructions(wording.instructions);
  AddField(input, wording, *signature.add_inputs());
  for (const absl::string_view output : {kInstruction, kPrefix}) AddField(output, wording, *signature.add_outputs());
  predictor.mutable_options()->set_n(count);
  predictor.mutable_options()->set_temperature(temperature);
  return predictor;
}

const Phrase& OrBuiltIn(const Phrasebook& book, Phrase Phrasebook::* phrase) {
  return (book.*phrase).empty() ? (*Phrasebook::BuiltIn()).*phrase : book.*phrase;
}

std::string Text(const Json& outputs, absl::string_view name) {
  const auto found = outputs.find(name);
  return found == outputs.end() ? "" : TrimProposal(PythonStr(*found));
}

}  // namespace

v1::Predictor FirstProposer(const Phrasebook& book, int count, double temperature) {
  return Proposer(Wording(book, "BasicGenerateInstruction"), kBasicInstruction, count, temperature);
}

Json FirstProposerInputs(const std::string& instructions) { return {{std::string(kBasicInstruction), instructions}}; }

v1::Predictor NextProposer(const Phrasebook& book, int count, double temperature) {
  return Proposer(Wording(book, "GenerateInstructionGivenAttempts"), kAttempts, count, temperature);
}

Json NextProposerInputs(const Phrasebook& book, const std::vector<ScoredProposal>& attempts) {
  Json lines = Json::array();
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    const std::string number = absl::StrCat(i + 1);
    const auto add = [&](Phrase Phrasebook::* phrase, absl::string_view text) {
      lines.push_back(OrBuiltIn(book, phrase).Render({{"number", number}, {"text", text}}));
    };
    add(&Phrasebook::copro_instruction, attempts[i].proposal.instructions);
    add(&Phrasebook::copro_prefix, attempts[i].proposal.prefix);
    add(&Phrasebook::copro_score, PythonStr(attempts[i].score));
  }
  return {{std::string(kAttempts), std::move(lines)}};
}

Proposal ReadProposal(const Json& outputs) { return {Text(outputs, kInstruction), Text(outputs, kPrefix)}; }

std::string TrimProposal(const std::string& text) {
  absl::string_view rest = text;
  while (!rest.empty() && rest.front() == '"') rest.remove_prefix(1);
  while (!rest.empty() && rest.back() == '"') rest.remove_suffix(1);
  return std::string(StripPythonSpace(rest));
}

}  // namespace dspex
