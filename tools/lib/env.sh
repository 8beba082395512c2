# Sourced by the repository's commands: where things are and how to speak. Sets `root`, `cache`, `venv`; enters the clone.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit
cache=${DSPEX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dspex}
mkdir -p "$cache/bin"
cache=$(cd "$cache" && pwd)
# One Python environment for each state of the requirements (and release of Debian, whose Python it is), shared by clones.
requirements=$root/tools/requirements.txt
venv=$cache/venv-$(cat "$requirements" /etc/os-release | sha256sum | cut -c1-12)
export PATH=$venv/bin:$cache/bin:$PATH
export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH} PYTHONDONTWRITEBYTECODE=1

say() { printf '== %s\n' "$*"; }
fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}
# Bazel's server outlives the command, which is what a person wants, but not an unattended machine or a chroot that is
# taken down afterwards.
stop_bazel_if_unattended() {
  if [[ ${CI-} == true ]] || ischroot; then bazel shutdown >/dev/null 2>&1 || true; fi
}
