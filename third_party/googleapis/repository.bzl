"""google.rpc's protos, from the googleapis-common-protos package in the Python environment."""

def _googleapis_repository_impl(ctx):
    root = ctx.os.environ.get("DSPEX_GOOGLEAPIS")
    if not root:
        fail("DSPEX_GOOGLEAPIS is not set: run tools/setup, which writes it to .bazelrc.local")
    ctx.symlink(root + "/google/rpc/status.proto", "google/rpc/status.proto")
    ctx.symlink(root + "/google/rpc/error_details.proto", "google/rpc/error_details.proto")
    ctx.symlink(Label("//third_party/googleapis:googleapis.BUILD"), "BUILD.bazel")

googleapis_repository = repository_rule(
    implementation = _googleapis_repository_impl,
    environ = ["DSPEX_GOOGLEAPIS"],
    local = True,
)
