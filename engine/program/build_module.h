#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "engine/adapter/phrasebook.h"
#include "engine/module/module.h"
#include "engine/module/sampling.h"
#include "engine/program/program.h"

namespace dspex {

namespace v1 {
class LmOptions;
class Module;
class Program;
}  // namespace v1

/// The language model of a module, "provider/model": its own, the program's, or the default; may be empty. One of the
/// arguments.
const std::string& LmName(const v1::Module& module, const v1::Program& program, const std::string& default_lm);

/// The sampling settings of the proto; what is unset there is unset here.
Sampling ReadSampling(const v1::LmOptions& proto);

/// Whether the values of the program's fields must fit their types; otherwise they are taken as DSPy takes them.
bool IsEnforced(const v1::Program& program);

/// The wording that a program names. NOT_FOUND / PHRASEBOOK_NOT_FOUND with a violation of `phrasebook`.
absl::StatusOr<std::shared_ptr<const Phrasebook>> FindPhrasebook(const v1::Program& program,
                                                                 const ProgramEnvironment& environment);

/// Builds one module of a program that ValidateProgram has passed. Errors as Program::Create's, with paths within the
/// module.
absl::StatusOr<std::unique_ptr<const Module>> BuildModule(const v1::Module& module, const v1::Program& program,
                                                          std::shared_ptr<const Phrasebook> phrasebook,
                                                          const ProgramEnvironment& environment);

}  // namespace dspex
