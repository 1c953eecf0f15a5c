# Sourced by the lint tests: the project's own files, without what was built.
# shellcheck shell=bash
sources() {
  find agent bpf tools tests -name build -prune -o -type f \( "$@" \) -print | sort
}

# release_14 NAME: prints how LLVM's program NAME of release 14 is called here. Other releases format and find
# otherwise: where this one is not there, the test is skipped, and says why.
release_14() {
  local program
  for program in "$1-14" "$1"; do
    if "$program" --version 2>/dev/null | grep -q 'version 14\.'; then
      echo "$program"
      return
    fi
  done
  echo "skipped: the sources are written for $1 14, which is not on this machine" >&2
  exit 77
}
