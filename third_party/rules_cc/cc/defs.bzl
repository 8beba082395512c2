"""Stands in for rules_cc: Debian's is too new for Debian's Bazel, whose native rules are all we need."""

cc_binary = native.cc_binary
cc_import = native.cc_import
cc_library = native.cc_library
cc_test = native.cc_test
cc_toolchain = native.cc_toolchain
cc_toolchain_alias = native.cc_toolchain_alias
cc_toolchain_suite = native.cc_toolchain_suite

def cc_flags_supplier(**_kwargs):
    pass

def compiler_flag(**_kwargs):
    pass
