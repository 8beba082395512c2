"""The rule of who may depend on whom, proto <- engine <- providers <- server, applied to a source tree.

Bazel's visibility refuses a dependency in the wrong direction, but the system's headers are visible to everyone, and a
build without a sandbox finds every header. So this reads each #include, the visibility that each package declares, and
what the protos import.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layer:
    """What the code of a top folder may include."""

    # Folders of the tree, and the group in //BUILD.bazel that may depend on the layer.
    folders: tuple[str, ...]
    visibility: str
    # What else may come from outside: patterns of whole header names. Headers of the C++ library are always allowed,
    # but for those in `refused`.
    system: tuple[str, ...]
    refused: tuple[str, ...] = ()


_MESSAGES = (r"google/protobuf/.*", r"google/rpc/.*", r"dspex/v1/\w+\.pb\.h")
# What is pure: values, status, text; coroutines and timers, but no sockets.
_ENGINE = (
    *_MESSAGES,
    r"absl/.*",
    r"nlohmann/.*",
    r"simdjson\.h",
    r"utf8proc\.h",
    r"lua5\.4/lua\.hpp",
    r"re2/.*",
    r"[a-z]mmintrin\.h",
    # inet_pton reads addresses; it opens nothing.
    r"arpa/inet\.h",
    r"boost/asio/(any_io_executor|as_tuple|associated_cancellation_slot|async_result|awaitable|bind_cancellation_slot"
    r"|bind_executor|cancellation_signal|cancellation_state|co_spawn|deferred|detached|dispatch|post|steady_timer|strand"
    r"|this_coro|use_awaitable)\.hpp",
)
_POSIX = r"(sys|netinet|arpa)/\w+\.h|(fcntl|netdb|poll|pthread|signal|stdlib|string|time|unistd)\.h"
_TEST_FRAMEWORKS = (r"gtest/.*", r"gmock/.*", r"benchmark/.*")

LAYERS = {
    "engine": Layer(
        folders=("engine",),
        visibility="//:engine_and_above",
        system=_ENGINE,
        refused=("cstdio", "filesystem", "fstream", "iostream"),
    ),
    "providers": Layer(
        folders=("engine", "providers"),
        visibility="//:providers_and_above",
        system=(*_ENGINE, _POSIX, r"dspex/config/v1/\w+\.pb\.h", r"boost/(asio|beast|system)/.*", r"openssl/.*"),
    ),
    "server": Layer(folders=("engine", "providers", "server"), visibility="//:server_and_above", system=(r".*",)),
    "tests": Layer(
        folders=("engine", "providers", "server", "tests"), visibility="//visibility:private", system=(r".*",)
    ),
}

_SUFFIXES = (".cc", ".h", ".inc", ".hpp", ".cpp", ".c")
_TEST_FILE = re.compile(r"(fake|test)_.*|.*_(bench|fuzz|test|testing|vectors)\.\w+")
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*(?:include|include_next|import)\b[ \t]*(.*)$", re.MULTILINE)
_VISIBILITY = re.compile(r"\b(?:default_)?visibility\s*=\s*(\[[^\]]*\]|\w+)")
_IMPORT = re.compile(r'^\s*import\s+(?:public\s+|weak\s+)?"([^"]+)"', re.MULTILINE)
# Packages outside the layers are for everyone; the binary is what the whole tree is for.
_PUBLIC = ("server/BUILD.bazel",)


def violations(root: Path) -> list[str]:
    """Everything in the tree that breaks the rule, one line each."""
    found: list[str] = []
    for name, layer in LAYERS.items():
        for path in sorted((root / name).rglob("*")):
            if path.suffix in _SUFFIXES:
                found += (f"{path.relative_to(root)}: {problem}" for problem in _includes(path, name, layer))
            elif path.name in ("BUILD.bazel", "BUILD"):
                found += (f"{path.relative_to(root)}: {problem}" for problem in _visibilities(root, path, name, layer))
    for path in sorted((root / "proto").rglob("*.proto")):
        found += (f"{path.relative_to(root)}: {problem}" for problem in _imports(root, path))
    return found


def _includes(path: Path, name: str, layer: Layer) -> Iterator[str]:
    is_test = _TEST_FILE.fullmatch(path.name) is not None
    for argument in _INCLUDE.findall(path.read_text()):
        quoted = re.match(r'<([^>]+)>|"([^"]+)"', argument)
        if quoted is None:
            yield f"#include {argument} does not name its header"
            continue
        header = quoted.group(1) or quoted.group(2)
        top = header.split("/")[0]
        if top in LAYERS or top in ("proto", "third_party"):
            if top not in layer.folders and not (is_test and top == "tests"):
                yield f"{name} may not include {header}"
        elif ".." in header.split("/") or (quoted.group(2) and "/" not in header and name != "tests"):
            yield f"{header} is not named from the top of the tree"
        elif not _allowed(header, layer, is_test):
            yield f"{name} may not include {header}"


def _allowed(header: str, layer: Layer, is_test: bool) -> bool:
    if re.fullmatch(r"\w+", header):  # The C++ library.
        return is_test or header not in layer.refused
    patterns = layer.system
    if is_test:
        # Tests also run what they test: an executor, a socket of their own.
        patterns = (*patterns, *_TEST_FRAMEWORKS, r"boost/asio/.*", _POSIX)
    return any(re.fullmatch(pattern, header) for pattern in patterns)


def _visibilities(root: Path, path: Path, name: str, layer: Layer) -> Iterator[str]:
    text = re.sub(r"#.*", "", path.read_text())
    for value in _VISIBILITY.findall(text):
        for label in re.findall(r'"([^"]+)"', value):
            public = str(path.relative_to(root)) in _PUBLIC and "cc_binary" in text
            narrower = label == "//visibility:private" or label.startswith(tuple(f"//{top}" for top in LAYERS))
            if label == layer.visibility or narrower or name == "tests" or (public and label == "//visibility:public"):
                continue
            yield f"visibility {label}; {name} is for {layer.visibility}"


def _imports(root: Path, path: Path) -> Iterator[str]:
    package = path.parent.relative_to(root / "proto").as_posix()
    for imported in _IMPORT.findall(path.read_text()):
        if not imported.startswith(("google/", f"{package}/")) and not (
            package.startswith("dspex/worker/") and imported.startswith("dspex/v1/")
        ):
            yield f"{package} may not import {imported}"
