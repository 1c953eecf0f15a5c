# Sourced by the lint tests: the project's own files, without what was built.
# shellcheck shell=bash
sources() {
  find agent bpf tools tests -name build -prune -o -type f \( "$@" \) -print | sort
}
