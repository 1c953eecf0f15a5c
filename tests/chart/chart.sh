# Sourced by the chart's tests.
# shellcheck shell=bash

chart=helm/pellicle
cases=tests/chart/cases

# Builds the renderer once a run, from Debian's packages alone.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS=-trimpath \
  go build -o "$work/render" tests/chart/render/main.go

# render NAMESPACE ARGUMENT...: as the renderer's own.
render() { "$work/render" "$chart" "$@"; }

# settings CASE: its lines PATH=VALUE.
settings() { sed '/^#/d' "$cases/$1.set"; }
