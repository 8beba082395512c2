# Sourced by tools/check: one function for each check, which prints what is wrong and fails.
# shellcheck shell=bash
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
logs=$cache/check
mkdir -p "$logs"

# The tree's files whose names match a pattern, those not committed yet included, each followed by a zero byte.
sources() { git ls-files -z --cached --others --exclude-standard --deduplicate -- "$@" | existing; }
existing() {
  local file
  while IFS= read -r -d '' file; do
    if [[ -f $file ]]; then printf '%s\0' "$file"; fi
  done
}

check_format() {
  sources '*.cc' '*.h' '*.proto' | xargs -0 clang-format-19 --dry-run -Werror
  sources '*.py' | xargs -0 ruff format --check
}

check_python() {
  sources '*.py' | xargs -0 ruff check
  MYPYPATH=$(python -m tests.support.stubs)
  export MYPYPATH
  sources '*.py' | xargs -0 mypy --cache-dir="$cache/mypy"
}

check_shell() {
  sources | while IFS= read -r -d '' file; do
    if [[ $file == *.sh || $(head -c 30 "$file" | tr -d '\0' | head -n 1) == '#!'*bash* ]]; then printf '%s\0' "$file"; fi
  done | xargs -0 shellcheck
}

check_includes() { python -m pytest -q tests/includes; }

check_docs() { python -m pytest -q tests/readme/test_docs.py; }

check_build_files() {
  bazel query --ui_event_filters=-info --output=xml 'kind(rule, //...)' >"$logs/build.xml"
  sources 'engine/*' 'providers/*' 'server/*' 'tests/*' | python tools/lib/build_files.py "$logs/build.xml"
}

check_tidy() {
  # Generated headers, and the folder that the compile commands run in.
  bazel build --ui_event_filters=-info //...
  bazel aquery --ui_event_filters=-info --output=jsonproto 'mnemonic("CppCompile", //...)' >"$logs/actions.json"
  python tools/lib/compile_commands.py "$logs/actions.json" "$(bazel info execution_root)" >"$logs/compile_commands.json"
  local product=('engine/*.cc' 'providers/*.cc' 'server/*.cc' ':(exclude,glob)**/*_test.cc')
  local tests=(':(glob)**/*_test.cc' 'tests/*.cc') status=0
  # Tests need not be fast; their locals guard; the closures of their coroutines outlive what they wait for.
  local off_in_tests='-performance-*,-bugprone-unused-local-non-trivial-variable'
  off_in_tests+=',-cppcoreguidelines-avoid-capturing-lambda-coroutines'
  local tidy=(xargs -0 -n 1 -P "$(nproc)" clang-tidy-19 -p "$logs" --quiet --warnings-as-errors='*')
  sources "${product[@]}" | "${tidy[@]}" || status=1
  sources "${tests[@]}" | "${tidy[@]}" --checks="$off_in_tests" || status=1
  return "$status"
}

# Descriptors of a folder of protos, google.rpc's included, as buf reads them.
proto_image() {
  local googleapis
  googleapis=$(python -c 'import google.rpc, pathlib; print(pathlib.Path(next(iter(google.rpc.__path__))).parents[1])')
  (cd "$1" && find . -name '*.proto' -printf '%P\0' | sort -z |
    xargs -0 protoc -I. "-I$googleapis" --include_imports --include_source_info --descriptor_set_out="$2")
}

check_api() {
  install_go_tool github.com/bufbuild/buf/cmd/buf v1.75.0
  proto_image proto "$logs/api.binpb"
  buf lint "$logs/api.binpb" --config buf.yaml --path dspex
  # Once a version is out, what it promised holds.
  local released before
  released=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)
  if [[ -n $released ]]; then
    before=$(mktemp -d)
    git archive "$released" proto | tar -x -C "$before"
    proto_image "$before/proto" "$logs/released.binpb"
    rm -rf "$before"
    buf breaking "$logs/api.binpb" --against "$logs/released.binpb" --config buf.yaml --path dspex
  fi
}

check_readme() {
  install_go_tool github.com/fullstorydev/grpcurl/cmd/grpcurl v1.9.4
  tools/test readme
}

# Runs all unit tests, and the integration tests against binaries, built with a configuration of .bazelrc.
sanitized() {
  local options=(--config="$1" --platform_suffix="-$1" --symlink_prefix=/ --ui_event_filters=-info --keep_going)
  # Tests are slow in them, some ten times.
  bazel test "${options[@]}" --test_timeout=900 //...
  DSPEX_BIN_DIR=$(bazel info "${options[@]}" bazel-bin)
  export DSPEX_BIN_DIR DSPEX_SANITIZER=$1
  tools/test integration
}

check_asan() {
  export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19 UBSAN_OPTIONS=print_stacktrace=1
  sanitized asan
}

check_tsan() {
  local options=(
    "suppressions=$root/tests/support/tsan_suppressions.txt"
    # Without one, TSan does not know which library a frame is from, and no suppression matches.
    external_symbolizer_path=/usr/bin/llvm-symbolizer-19
    second_deadlock_stack=1
  )
  export TSAN_OPTIONS="${options[*]}"
  sanitized tsan
}

check_fuzz() {
  local options=(--config=fuzz --platform_suffix=-fuzz --symlink_prefix=/ --ui_event_filters=-info)
  local targets binaries target corpus
  mapfile -t targets < <(bazel query --ui_event_filters=-info 'filter("_fuzz$", kind(cc_binary, //...))')
  ((${#targets[@]}))
  bazel build "${options[@]}" "${targets[@]}"
  binaries=$(bazel info "${options[@]}" bazel-bin)
  for target in "${targets[@]}"; do
    say "$target"
    # What was found interesting before is where the next run begins.
    corpus=$cache/fuzz/${target##*:}
    mkdir -p "$corpus"
    target=${target#//}
    (cd "$corpus" && "$binaries/${target/://}" -max_total_time="${DSPEX_FUZZ_SECONDS:-60}" -rss_limit_mb=2048 -timeout=10 \
      -print_final_stats=1 -artifact_prefix="$logs/" "$corpus")
  done
}

check_mutations() {
  local script
  for script in tests/*/mutation*.sh; do
    say "$script"
    "$script"
  done
}

# Builds a command of a Go module at a version into the cache.
install_go_tool() {
  local package=$1 version=$2 name=${1##*/}
  if [[ -x $cache/bin/$name-$version ]]; then return; fi
  find_go
  say "building $name $version"
  GOBIN=$cache/bin GOFLAGS='-trimpath -buildvcs=false' go install "$package@$version"
  mv "$cache/bin/$name" "$cache/bin/$name-$version"
  ln -sf "$name-$version" "$cache/bin/$name"
}

# Puts a Go into PATH that is new enough: the machine's, or the release of Go's own that the module proxy serves
# (Debian's is too old).
find_go() {
  local version=1.26.8 hash=30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7
  if [[ $(go version 2>/dev/null) =~ go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 26)); then return; fi
  local folder=$cache/go-$version
  if [[ ! -x $folder/bin/go ]]; then
    say "fetching Go $version"
    python tools/lib/fetch_go.py "$version" "$hash" "$folder"
  fi
  export PATH=$folder/bin:$PATH GOTOOLCHAIN=local
}
