"""Writes a Python package as a C++ constant: a zip that `python3 FILE` runs.

embed_python.py NAME SOURCE...   SOURCE: files below python_worker/, by their paths
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

_ROOT = "python_worker/"


def packed(sources: list[str], package: str) -> bytes:
    """The zip; equal sources make equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for source in sorted(sources):
            name = source[source.index(_ROOT) + len(_ROOT) :]
            archive.writestr(zipfile.ZipInfo(name), Path(source).read_bytes())
        main = f"from {package}.__main__ import main\n\nraise SystemExit(main())\n"
        archive.writestr(zipfile.ZipInfo("__main__.py"), main)
    return buffer.getvalue()


def main() -> None:
    name, *sources = sys.argv[1:]
    data = packed(sources, "dspex_dspy")
    rows = [", ".join(str(byte) for byte in data[start : start + 24]) for start in range(0, len(data), 24)]
    print("#include <cstddef>")
    print("namespace dspex {")
    print(f"extern const unsigned char {name}[];")
    print(f"extern const std::size_t {name}Size;")
    print(f"const unsigned char {name}[] = {{")
    print(",\n".join(rows))
    print("};")
    print(f"const std::size_t {name}Size = sizeof({name});")
    print("}  // namespace dspex")


if __name__ == "__main__":
    main()
