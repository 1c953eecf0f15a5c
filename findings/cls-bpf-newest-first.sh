#!/usr/bin/env bash
# Two eBPF classifiers of one priority on a clsact hook: the kernel runs the one that was added last first.
#
# Seen with Linux 6.18.44 and 6.1.176 (Debian 12's user-mode-linux), iproute2 6.1.0, iputils-ping 20221126:
#   1. A bpf filter in direct-action mode, priority 1, handle 1, drops everything (TC_ACT_SHOT). Pings fail.
#   2. A second filter, priority 1, handle 2, accepts everything (TC_ACT_OK). Pings succeed: the first is not run.
#   3. With the two commands in reverse order pings are dropped, whichever filter has the higher handle.
# Expected: filters of one priority run in the order of their creation, as filters of several priorities or protocols
# run in the order of their numbers. As it is, a filter that must not be bypassed cannot keep its first place by being
# there first.
#
# Output seen:
#   drops (handle 1): 100% packet loss
#   drops (handle 1), then accepts (handle 2): 0% packet loss
#   accepts (handle 2), then drops (handle 1): 100% packet loss
#   accepts (handle 1), then drops (handle 2): 100% packet loss
#
# Runs as root on Debian 12. It changes only its own network namespace. Exit status 0: the behaviour is unchanged; 1: it
# has changed.
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
