#!/usr/bin/env bash
# Two eBPF classifiers with one priority on a clsact hook: the one that was added last is asked first.
#
# Seen with Linux 6.18.44 and 6.1.176 (Debian 12's user-mode-linux), iproute2 6.1.0, iputils-ping 20221126:
#   1. A filter of kind bpf, direct action, priority 1, handle 1 drops everything (TC_ACT_SHOT). Pings on the device end.
#   2. A second one, priority 1, handle 2, accepts everything (TC_ACT_OK). Pings go through: the first is not asked any more.
#   3. With the order of the two commands the other way round pings are dropped, whichever has the higher handle.
# One would expect a chain of one priority to be in the order in which it was made, as it is with a protocol's or a
# priority's number: a filter that must not be passed by cannot be kept in front by having been there first.
#
# Output seen:
#   drops (handle 1): 100% packet loss
#   drops (handle 1), then accepts (handle 2): 0% packet loss
#   accepts (handle 2), then drops (handle 1): 100% packet loss
#   accepts (handle 1), then drops (handle 2): 100% packet loss
#
# Runs as root on Debian 12. It changes a network namespace of its own alone. Exit status 0: it is still so; 1: it has
# changed.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq -o APT::Sandbox::User=root iproute2=6.1.0-3 iputils-ping=3:20221126-1+deb12u1 \
  libbpf1 libelf1 libmnl0 libcap2 libbsd0 libmd0 libtirpc3 libxtables12 2> download.log || { cat download.log >&2; exit 1; }
for package in ./*.deb; do dpkg-deb -x "$package" root; done

cat > try.sh <<'INNER'
export PATH=$1/root/bin:$1/root/sbin:$PATH LD_LIBRARY_PATH=$1/root/usr/lib/x86_64-linux-gnu:$1/root/lib/x86_64-linux-gnu
shift
ip link set lo up
tc qdisc add dev lo clsact
for filter; do
  tc filter add dev lo ingress protocol all prio 1 handle "${filter#*:}" bpf bytecode "1,6 0 0 ${filter%:*}" da
done
ping -c 1 -W 1 127.0.0.1 | grep -o '[0-9]*% packet loss'
INNER

# loss VERDICT:HANDLE...: verdict 2 is TC_ACT_SHOT, 0 is TC_ACT_OK.
loss() { unshare --net bash try.sh "$work" "$@"; }

{
  echo "drops (handle 1): $(loss 2:1)"
  echo "drops (handle 1), then accepts (handle 2): $(loss 2:1 0:2)"
  echo "accepts (handle 2), then drops (handle 1): $(loss 0:2 2:1)"
  echo "accepts (handle 1), then drops (handle 2): $(loss 0:1 2:2)"
} | tee seen
diff seen - <<'WANTED'
drops (handle 1): 100% packet loss
drops (handle 1), then accepts (handle 2): 0% packet loss
accepts (handle 2), then drops (handle 1): 100% packet loss
accepts (handle 1), then drops (handle 2): 100% packet loss
WANTED
