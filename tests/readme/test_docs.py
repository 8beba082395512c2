"""Holds reference pages and code together: what the one lists, the other has."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def read(path: str) -> str:
    return (ROOT / path).read_text()


def table_keys(page: str) -> list[str]:
    """The first cell, in backquotes, of each row of a page's tables."""
    return re.findall(r"^\| `([^`]+)` \|", read(page), re.MULTILINE)


def test_errors_page_has_each_reason_once() -> None:
    reasons = re.findall(r'inline constexpr absl::string_view k\w+ =\s*"([A-Z_]+)"', read("engine/base/reasons.h"))
    assert len(reasons) > 20
    assert sorted(table_keys("docs/errors.md")) == sorted(reasons)


def config_keys(message: str, prefix: str, messages: dict[str, str]) -> list[str]:
    """The dotted keys of a message of config.proto, those of messages within it in their place."""
    keys = []
    for kind, name in re.findall(r"^\s+(?:optional )?([\w.<>, ]+?) (\w+) = \d+;", messages[message], re.MULTILINE):
        nested = kind.removeprefix("map<string, ").removesuffix(">")
        key = f"{prefix}{name}"
        if kind.startswith("map<"):
            key += ".NAME"
            keys.append(key)
        if nested in messages:
            keys += config_keys(nested, f"{key}.", messages)
        else:
            keys.append(key)
    return keys


def test_configuration_page_has_each_key_once() -> None:
    proto = read("proto/dspex/config/v1/config.proto")
    messages = dict(re.findall(r"^message (\w+) \{\n(.*?)^\}", proto, re.MULTILINE | re.DOTALL))
    keys = config_keys("Config", "", messages)
    assert len(keys) > 20
    assert sorted(table_keys("docs/configuration.md")) == sorted(keys)


def test_metrics_page_has_each_metric_once() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "server" / "metrics").glob("*.cc"))
    metrics = set(re.findall(r'"(dspex_\w+)"', sources))
    assert len(metrics) > 10
    assert sorted(table_keys("docs/metrics.md")) == sorted(metrics)


def test_links_lead_to_files() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
