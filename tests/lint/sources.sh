# Sourced by the lint tests: the project's own files, without build output.
# shellcheck shell=bash
sources() {
  find agent bpf tools tests -name build -prune -o -type f \( "$@" \) -print | sort
}

# release_14 NAME: prints the name of LLVM's program NAME in release 14. Other releases format and report differently:
# without release 14 the test is skipped and says why.
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
