# Sourced by tools/test and tools/demo: installs missing Debian packages, and says so.
# shellcheck shell=bash disable=SC2034

library_packages=(
  libnl-3-dev libnl-route-3-dev libnl-xfrm-3-dev libbpf-dev libelf-dev libcpprest-dev zlib1g-dev
  libboost-dev libboost-system-dev libssl-dev nlohmann-json3-dev libcli11-dev libspdlog-dev
  libyaml-cpp-dev linux-libc-dev catch2
)
build_packages=(build-essential cmake ninja-build ccache pkg-config clang llvm "${library_packages[@]}")
# For deploy/arm64 on another architecture.
cross_packages=(g++-aarch64-linux-gnu mmdebstrap arch-test binfmt-support qemu-user-static)
lab_packages=(
  user-mode-linux kmod iproute2 bpftool iptables tcpdump tshark curl iputils-ping busybox conntrack
  procps util-linux openssl ipset ipvsadm nftables qemu-system-x86 wireguard-tools
)
cni_packages=(containerd runc containernetworking-plugins)
# What the image needs besides the built programs: see deploy/rootfs.
image_packages=(busybox ca-certificates iproute2 iptables kmod)
# For rendering and checking the chart and YAML files.
chart_packages=(
  golang-go golang-github-masterminds-sprig-dev golang-gopkg-yaml.v2-dev golang-gopkg-yaml.v3-dev
  golang-github-stoewer-go-strcase-dev golang-google-genproto-dev golang-google-protobuf-dev golang-golang-x-text-dev
  python3-kubernetes python3-jsonschema python3-yaml yamllint
)
lint_packages=(clang-format clang-tidy mandoc shellcheck)

# as_root COMMAND...: runs it, with sudo if the user is not root.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
      missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
