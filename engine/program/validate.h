#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

namespace dspex {

namespace v1 {
class LmOptions;
class Module;
class Program;
}  // namespace v1

/// An INVALID_ARGUMENT / INVALID_PROGRAM error about one field; `path` is the field's within the program, empty for the
/// program itself.
absl::Status InvalidField(absl::string_view path, absl::string_view problem);

/// INVALID_PROGRAM where a setting is out of its range; `path` is that of the options.
absl::Status ValidateOptions(const v1::LmOptions& options, absl::string_view path);

/// Everything about a module that can be checked without building it; `path` is the module's.
absl::Status ValidateModule(const v1::Module& module, absl::string_view path);

/// Everything about a program that can be checked without building its modules: sizes, ids, names, ranges, and that it
/// asks for nothing this server does not run (UNIMPLEMENTED / UNSUPPORTED, metadata `feature`).
absl::Status ValidateProgram(const v1::Program& program);

}  // namespace dspex
