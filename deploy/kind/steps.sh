# Sourced by up, e2e and down: steps that announce themselves and have a time limit, and a collection for failures.
# shellcheck shell=bash

cluster=${CLUSTER:-pellicle}
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '\n== %s (%ds)\n' "$*" "$SECONDS"; }

# need PROGRAM...: exits with a message if one is missing.
need() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || { echo "deploy/kind needs $program; it is not in PATH" >&2; exit 2; }
  done
}

# The container engine that kind uses: docker, or podman if KIND_EXPERIMENTAL_PROVIDER says so or docker is missing.
engine() {
  if [ "${KIND_EXPERIMENTAL_PROVIDER-}" != podman ] && command -v docker >/dev/null; then
    echo docker
  else
    echo podman
  fi
}
[ "$(engine)" = docker ] || export KIND_EXPERIMENTAL_PROVIDER=podman

# step SECONDS WORDS COMMAND...: runs the command with a time limit.
step() {
  local limit=$1 words=$2
  shift 2
  say "$words (at most $limit s)"
  timeout --foreground "$limit" "$@" || {
    local status=$?
    [ "$status" -ne 124 ] || echo "not done within $limit s: $words" >&2
    return "$status"
  }
}

# until_true SECONDS WORDS COMMAND...: repeats the command every two seconds until it succeeds.
until_true() {
  local limit=$1 words=$2 end
  shift 2
  say "$words (at most $limit s)"
  end=$((SECONDS + limit))
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { echo "not so within $limit s: $words" >&2; return 1; }
    sleep 2
  done
}

in_cluster() { kubectl --context "kind-$cluster" "$@"; }

# collect: the state of a failed cluster in one archive. It contains no key: it does not read the Secret, and `pellicle
# sysdump` leaves keys out.
collect() {
  local folder archive pod
  folder=$(mktemp -d)
  archive=$top/build/kind-$cluster-$(date +%Y%m%d-%H%M%S).tar.gz
  mkdir -p "$top/build"
  say "Collecting what is known into $archive"
  in_cluster get nodes,pods,daemonsets,deployments,services -A -o wide >"$folder/objects.txt" 2>&1
  in_cluster get nodes -o yaml >"$folder/nodes.yaml" 2>&1
  in_cluster get events -A --sort-by=.lastTimestamp >"$folder/events.txt" 2>&1
  in_cluster get leases -n kube-system pellicle-operator -o yaml >"$folder/lease.yaml" 2>&1
  for pod in $(in_cluster get pods -n kube-system -l app.kubernetes.io/part-of=pellicle -o name 2>/dev/null); do
    in_cluster describe -n kube-system "$pod" >"$folder/${pod#pod/}.describe.txt" 2>&1
    in_cluster logs -n kube-system "$pod" --all-containers >"$folder/${pod#pod/}.log" 2>&1
    in_cluster logs -n kube-system "$pod" --all-containers --previous >"$folder/${pod#pod/}.previous.log" 2>&1
    case $pod in
      pod/pellicle-operator-*) ;;
      *) timeout 60 kubectl --context "kind-$cluster" exec -n kube-system "$pod" -c agent -- \
        pellicle sysdump - >"$folder/${pod#pod/}.sysdump.tar.gz" 2>"$folder/${pod#pod/}.sysdump.errors" ;;
    esac
  done
  tar -C "$folder" -czf "$archive" .
  rm -rf "$folder"
  echo "$archive"
}

on_exit() {
  local status=$?
  trap - EXIT
  [ "$status" -eq 0 ] || [ "$status" -eq 2 ] || { set +e; collect; }
  exit "$status"
}
