"""Fuzz targets: libFuzzer binaries, built with --config=fuzz and run by tools/check --full."""

def cc_fuzz_target(name, srcs, deps):
    """A binary around LLVMFuzzerTestOneInput.

    Args:
      name: of the binary, ends in _fuzz.
      srcs: the file that defines LLVMFuzzerTestOneInput.
      deps: libraries under test.
    """
    native.cc_binary(
        name = name,
        testonly = True,
        srcs = srcs,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = deps,
    )
