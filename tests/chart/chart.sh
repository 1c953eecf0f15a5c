# Sourced by the chart's tests.
# shellcheck shell=bash

chart=helm/pellicle
cases=tests/chart/cases

# Builds the renderer once per run, from Debian's packages only.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS=-trimpath \
  go build -o "$work/render" tests/chart/render/main.go

# render NAMESPACE ARGUMENT...: see render/main.go.
render() { "$work/render" "$chart" "$@"; }

# settings CASE: the lines PATH=VALUE of the case.
settings() { sed '/^#/d' "$cases/$1.set"; }
