"""The tree keeps the rule of includes, and the check of it sees what breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.includes.rules import violations
from tests.support.paths import ROOT


def test_tree_keeps_the_rule() -> None:
    assert violations(ROOT) == []


def test_every_layer_is_read() -> None:
    """An empty answer means something only if there was something to read."""
    for layer in ("engine", "providers", "server"):
        assert any((ROOT / layer).rglob("*.cc")), layer
        assert any((ROOT / layer).rglob("BUILD.bazel")), layer


ALLOWED = [
    ("engine/a/a.cc", '#include "engine/a/a.h"\n#include <vector>\n#include <absl/status/status.h>'),
    ("engine/a/a.cc", '#include <boost/asio/steady_timer.hpp>\n#include "dspex/v1/program.pb.h"'),
    ("engine/a/a_test.cc", "#include <gtest/gtest.h>\n#include <fstream>\n#include <boost/asio/io_context.hpp>"),
    ("providers/a.cc", '#include "engine/a/a.h"\n#include <boost/beast/core.hpp>\n#include <sys/socket.h>'),
    ("server/a.cc", '#include "providers/a.h"\n#include <grpcpp/grpcpp.h>\n#include <SQLiteCpp/SQLiteCpp.h>'),
    ("tests/a/a.cc", '#include "server/a.h"\n#include "tests/a/a.h"\n#include "floor.grpc.pb.h"'),
    ("engine/a/BUILD.bazel", 'package(default_visibility = ["//:engine_and_above"])'),
    ("engine/a/BUILD.bazel", 'cc_library(\n    name = "a",\n    visibility = ["//engine/b:__pkg__"],\n)'),
    ("server/BUILD.bazel", 'cc_binary(\n    name = "dspex",\n    visibility = ["//visibility:public"],\n)'),
    ("proto/dspex/v1/a.proto", 'import "dspex/v1/b.proto";\nimport "google/rpc/status.proto";'),
]

FORBIDDEN = [
    # In-house, upwards.
    ("engine/a/a.cc", '#include "providers/a.h"', "engine may not include providers/a.h"),
    ("engine/a/a.h", "#include <server/a.h>", "engine may not include server/a.h"),
    ("engine/a/a_test.cc", '#include "server/a.h"', "engine may not include server/a.h"),
    ("providers/a.cc", '  #  include "server/a.h"', "providers may not include server/a.h"),
    ("server/a.cc", '#include "tests/a.h"', "server may not include tests/a.h"),
    # Ways around.
    ("engine/a/a.cc", '#include "../../server/a.h"', "../../server/a.h is not named from the top of the tree"),
    ("engine/a/a.cc", '#include "a.h"', "a.h is not named from the top of the tree"),
    ("engine/a/a.cc", "#include SERVER_HEADER", "#include SERVER_HEADER does not name its header"),
    # Protos of other layers.
    (
        "engine/a/a.cc",
        '#include "dspex/v1/program_service.grpc.pb.h"',
        "engine may not include dspex/v1/program_service.grpc.pb.h",
    ),
    ("engine/a/a.cc", '#include "dspex/config/v1/config.pb.h"', "engine may not include dspex/config/v1/config.pb.h"),
    ("providers/a.cc", '#include "dspex/v1/a.grpc.pb.h"', "providers may not include dspex/v1/a.grpc.pb.h"),
    # The system's headers.
    *(
        ("engine/a/a.cc", f"#include <{header}>", f"engine may not include {header}")
        for header in (
            "grpcpp/grpcpp.h",
            "grpc/grpc.h",
            "boost/beast/core.hpp",
            "boost/asio/ip/tcp.hpp",
            "boost/asio/io_context.hpp",
            "boost/asio.hpp",
            "sqlite3.h",
            "SQLiteCpp/Database.h",
            "prometheus/counter.h",
            "openssl/ssl.h",
            "sys/socket.h",
            "fstream",
        )
    ),
    *(
        ("providers/a.cc", f"#include <{header}>", f"providers may not include {header}")
        for header in ("grpcpp/server.h", "sqlite3.h", "SQLiteCpp/Database.h", "prometheus/counter.h", "CLI/CLI.hpp")
    ),
    ("engine/a/a_test.cc", "#include <grpcpp/grpcpp.h>", "engine may not include grpcpp/grpcpp.h"),
    # Visibility.
    (
        "engine/a/BUILD.bazel",
        'package(default_visibility = ["//visibility:public"])',
        "visibility //visibility:public; engine is for //:engine_and_above",
    ),
    (
        "server/a/BUILD.bazel",
        'package(default_visibility = ["//:engine_and_above"])',
        "visibility //:engine_and_above; server is for //:server_and_above",
    ),
    # Protos.
    (
        "proto/dspex/v1/a.proto",
        'import "dspex/config/v1/config.proto";',
        "dspex/v1 may not import dspex/config/v1/config.proto",
    ),
]


def plant(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True)
    (root / path).write_text(text + "\n")


@pytest.mark.parametrize(("path", "text"), ALLOWED)
def test_allowed(tmp_path: Path, path: str, text: str) -> None:
    plant(tmp_path, path, text)
    assert violations(tmp_path) == []


@pytest.mark.parametrize(("path", "text", "problem"), FORBIDDEN)
def test_forbidden(tmp_path: Path, path: str, text: str, problem: str) -> None:
    plant(tmp_path, path, text)
    assert violations(tmp_path) == [f"{path}: {problem}"]
