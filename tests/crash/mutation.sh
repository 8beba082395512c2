#!/usr/bin/env bash
# Shows that test_kill9.py can fail: takes the commit out of the writer in a copy of the tree, builds the server there,
# and expects the test to miss acknowledged writes. tools/check --full runs it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../tools/lib/env.sh"

scratch=$(mktemp -d)
bazel_here=(bazel --output_base="$scratch/bazel")
cleanup() {
  if [[ -d $scratch/tree ]]; then (cd "$scratch/tree" && "${bazel_here[@]}" shutdown >/dev/null 2>&1) || true; fi
  # Bazel makes its folders read-only.
  chmod -R u+w "$scratch" && rm -rf "$scratch"
}
trap cleanup EXIT

say "a copy of the tree without the commit"
mkdir "$scratch/tree"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do if [[ -e $file ]]; then printf '%s\0' "$file"; fi; done |
  tar --null --files-from=- --create | tar --extract --directory="$scratch/tree"
if [[ -e .bazelrc.local ]]; then cp .bazelrc.local "$scratch/tree/"; fi
mutated=$scratch/tree/server/store/sqlite_database.cc
# The transaction stays open: everything looks as it should until the process dies.
sed -i -e 's|db\.exec("COMMIT");|// The commit is taken out.|' \
  -e 's|db\.exec("BEGIN IMMEDIATE");|if (!InTransaction(db)) &|' "$mutated"
if [[ $(diff server/store/sqlite_database.cc "$mutated" | grep -c '^>') != 2 ]]; then
  fail "the commit is no longer where this script looks for it in server/store/sqlite_database.cc"
fi

say "building it"
(cd "$scratch/tree" && "${bazel_here[@]}" build --ui_event_filters=-info --symlink_prefix="$scratch/links-" //server:dspex)

say "the test must miss writes"
output=$scratch/output
if DSPEX_BIN_DIR=$scratch/links-bin python -m pytest -q tests/crash/test_kill9.py >"$output" 2>&1; then
  fail "test_kill9.py passes without the commit: it does not test what it says"
fi
# Failed for this reason and no other.
if ! grep -q '^E .*was acknowledged and is gone' "$output"; then
  cat "$output" >&2
  fail "test_kill9.py failed, but not for lost writes"
fi
grep -m1 '^E .*was acknowledged and is gone' "$output"
say "without the commit the test fails, as it should"
