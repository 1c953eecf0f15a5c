#!/usr/bin/env bash
# A rule with `-m mark`, written by iptables-nft 1.8.9 or later, is shown by 1.8.7 without the mark: `-j DROP` for all.
#
# Seen with Linux 6.18.44, iptables 1.8.9-2 (Debian 12) and 1.8.7-1 (Debian 11):
#   1. iptables-nft 1.8.9 takes `-A FORWARD -m mark --mark 0x100/0x100 -j DROP` and shows it so. In the kernel the mark
#      is two native expressions (meta, bitwise), where 1.8.7 uses the xt_mark match.
#   2. iptables-nft 1.8.7 shows the same rule as `-A FORWARD -j DROP`, with exit status 0 and without a warning. What
#      its iptables-save prints, its iptables-restore loads: a rule that drops everything.
#   3. A rule that 1.8.7 wrote is shown alike by both.
# Expected: an error, or the comment that iptables-nft has for rules it cannot show. It matters where a container with a
# newer iptables shares its node's tables with an older one: the node's program shows, saves and restores other rules
# than those that are in force.
#
# Output seen:
#   1.8.9 shows its own rule: -A FORWARD -m mark --mark 0x100/0x100 -j DROP
#   1.8.7 shows that rule: -A FORWARD -j DROP
#   1.8.7 shows its own rule: -A FORWARD -m mark --mark 0x100/0x100 -j DROP
#   1.8.9 shows that rule: -A FORWARD -m mark --mark 0x100/0x100 -j DROP
#
# Runs as root on Debian 12 with a kernel that has nf_tables and nft_compat. It changes only its own network namespace
# and a temporary folder. Exit status 0: the behaviour is unchanged; 1: it has changed.
# shellcheck disable=SC2016 # apt and the inner shell expand these
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# fetch SUITE PACKAGE...: unpacks packages of that Debian suite below SUITE, from the mirror that this machine uses.
fetch() {
  local suite=$1 mirror
  shift
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -m 1 -v security)
  mkdir -p "$suite/lists/partial" "$suite/cache/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > "$suite/sources.list"
  local options=(-qq -o APT::Sandbox::User=root -o Acquire::Check-Valid-Until=false -o Dir::State::Status=/dev/null
    -o "Dir::Etc::SourceList=$work/$suite/sources.list" -o Dir::Etc::SourceParts=-
    -o "Dir::State::Lists=$work/$suite/lists" -o "Dir::Cache=$work/$suite/cache")
  { apt-get "${options[@]}" update && (cd "$suite" && apt-get "${options[@]}" download "$@"); } > "$suite.log" 2>&1 ||
    { cat "$suite.log" >&2; exit 1; }
  for package in "$suite"/*.deb; do dpkg-deb -x "$package" "$suite/root"; done
}

fetch bookworm iptables=1.8.9-2 libxtables12=1.8.9-2 libnftnl11 libmnl0
fetch bullseye iptables=1.8.7-1 libxtables12=1.8.7-1 libnftnl11 libmnl0

cat > iptables <<'INNER'
root=$1
shift
export LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu
export XTABLES_LIBDIR=$root/usr/lib/x86_64-linux-gnu/xtables
exec "$root/usr/sbin/xtables-nft-multi" iptables "$@"
INNER

# shown WRITER READER: the rule that the iptables of suite WRITER made, as that of READER shows it.
shown() {
  unshare --net bash -euc 'bash iptables "$1/root" -A FORWARD -m mark --mark 0x100/0x100 -j DROP
    bash iptables "$2/root" -S FORWARD | grep -- -A' bash "$PWD/$1" "$PWD/$2"
}

{
  echo "1.8.9 shows its own rule: $(shown bookworm bookworm)"
  echo "1.8.7 shows that rule: $(shown bookworm bullseye)"
  echo "1.8.7 shows its own rule: $(shown bullseye bullseye)"
  echo "1.8.9 shows that rule: $(shown bullseye bookworm)"
} | tee seen
diff seen - <<'WANTED'
1.8.9 shows its own rule: -A FORWARD -m mark --mark 0x100/0x100 -j DROP
1.8.7 shows that rule: -A FORWARD -j DROP
1.8.7 shows its own rule: -A FORWARD -m mark --mark 0x100/0x100 -j DROP
1.8.9 shows that rule: -A FORWARD -m mark --mark 0x100/0x100 -j DROP
WANTED
