"""C++ from .proto files with the system's protoc: messages and gRPC services are targets of their own."""

def _generated(srcs, suffix):
    return [src[:-len(".proto")] + suffix for src in srcs]

def _generate(name, srcs, imports, root, suffix, flag):
    """Runs protoc over srcs; returns (headers, sources)."""
    headers = _generated(srcs, suffix + ".h")
    sources = _generated(srcs, suffix + ".cc")
    workspace = native.repository_name()[1:]
    prefix = ("external/" + workspace + "/" if workspace else "") + root
    native.genrule(
        name = name + "_protoc",
        srcs = srcs,
        outs = headers + sources,
        # Imports are inputs, not files to translate: tools is the attribute that carries them.
        tools = imports,
        cmd = "protoc -I{root} {googleapis} {flag} $(SRCS)".format(
            root = prefix,
            googleapis = "-Iexternal/googleapis" if imports else "",
            flag = flag.format(out = "$(GENDIR)/" + prefix),
        ),
    )
    return headers, sources

def cc_proto_messages(name, srcs, deps = [], imports = [], root = "proto", visibility = None):
    """A library of the messages in srcs.

    Args:
      name: of the library; NAME.protos are the .proto files, for the imports of others.
      srcs: .proto files of this package.
      deps: message libraries that srcs import.
      imports: the NAME.protos targets of what srcs import.
      root: the import root of srcs, from the workspace's top.
      visibility: as usual.
    """
    headers, sources = _generate(name, srcs, imports, root, ".pb", "--cpp_out={out}")
    native.filegroup(name = name + ".protos", srcs = srcs, visibility = ["//visibility:public"])
    native.cc_library(
        name = name,
        srcs = sources,
        hdrs = headers,
        copts = ["-w"],
        includes = ["."] if root == "." else None,
        strip_include_prefix = None if root == "." else "/" + root,
        visibility = visibility,
        deps = deps + ["@system//:protobuf"],
    )

def cc_grpc_services(name, srcs, messages, imports = [], root = "proto", visibility = None):
    """A library of the gRPC services in srcs, whose messages the library `messages` holds."""
    headers, sources = _generate(
        name,
        srcs,
        imports,
        root,
        ".grpc.pb",
        "--grpc_out=generate_mock_code=false:{out} --plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin",
    )
    native.cc_library(
        name = name,
        srcs = sources,
        hdrs = headers,
        copts = ["-w"],
        strip_include_prefix = "/" + root,
        visibility = visibility,
        deps = messages + ["@system//:grpc++"],
    )
