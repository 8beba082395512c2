// A state that is read is written and read again as the same; applied to a program it gives a state or a typed error.

#include <absl/strings/string_view.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "dspex/v1/program.pb.h"
#include "engine/state/apply_state.h"
#include "engine/state/saved_state.h"
#include "engine/state/state_of.h"

namespace {

void Apply(const dspex::SavedState& state, const std::string& signature, bool is_chain_of_thought) {
  dspex::v1::Program program;
  dspex::v1::Module& module = *program.add_modules();
  module.set_id("m");
  (is_chain_of_thought ? module.mutable_chain_of_thought() : module.mutable_predict())->set_signature(signature);
  const auto applied = dspex::ApplyState(program, state);
  if (!applied.ok()) return;
  const auto exported = dspex::StateOf(applied->program);
  if (!exported.ok()) std::abort();
  const std::string text = dspex::WriteState(*exported);
  // What was applied applies again and changes nothing.
  const auto read = dspex::ReadState(text);
  if (!read.ok()) std::abort();
  const auto again = dspex::ApplyState(applied->program, *read);
  if (!again.ok()) std::abort();
  const auto exported_again = dspex::StateOf(again->program);
  if (!exported_again.ok() || dspex::WriteState(*exported_again) != text) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto state = dspex::ReadState(text);
  if (!state.ok()) return 0;
  const std::string written = dspex::WriteState(*state);
  const auto again = dspex::ReadState(written);
  if (!again.ok() || dspex::WriteState(*again) != written) std::abort();
  Apply(*state, "question -> answer", false);
  Apply(*state, "question -> answer", true);
  Apply(*state, "a: int -> b: list[str], c", false);
  return 0;
}
