"""Fuzz targets: libFuzzer binaries, built with --config=fuzz and run by tools/check --full."""

def cc_fuzz_target(name, srcs, deps):
    """A binary around LLVMFuzzerTestOneInput.

    Args:
      name: of the binary, ends in _fuzz.
      srcs: the file that defines LLVMFuzzerTestOneInput.
      deps: libraries under test.
    """
    # The binary is for --config=fuzz alone; that its source compiles is seen by every build.
    native.cc_library(
        name = name + "_source",
        testonly = True,
        srcs = srcs,
        alwayslink = True,
        deps = deps,
    )
    native.cc_binary(
        name = name,
        testonly = True,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = [":" + name + "_source"],
    )
