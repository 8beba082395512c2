"""What the kernel says of a process, read from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """One process at one moment."""

    rss_bytes: int
    anonymous_bytes: int
    threads: int
    open_files: int
    sockets: int
    cpu_seconds: float


def sanitized() -> bool:
    """Whether the binaries are built with a sanitizer, which makes everything slow."""
    return "DSPEX_SANITIZER" in os.environ


def memory_counts() -> bool:
    """Whether memory is the server's own: a sanitizer keeps what was freed, and a shadow of all of it."""
    return not sanitized()


def usage(pid: int) -> Usage:
    """Reads the usage of a running process."""
    proc = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
    # utime and stime are the 14th and 15th field; the second, the name, may hold spaces.
    stat = (proc / "stat").read_text().rpartition(") ")[2].split()
    files = [_target(entry) for entry in (proc / "fd").iterdir()]
    return Usage(
        rss_bytes=_kilobytes(status["VmRSS"]),
        anonymous_bytes=_kilobytes(status["RssAnon"]),
        threads=int(status["Threads"]),
        open_files=len(files),
        sockets=sum(target.startswith("socket:") for target in files),
        cpu_seconds=(int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"),
    )


def _kilobytes(value: str) -> int:
    return int(value.removesuffix("kB")) * 1024


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except FileNotFoundError:  # Closed meanwhile.
        return ""
