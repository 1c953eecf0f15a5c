#!/usr/bin/env bash
# IPv6 through an ESP tunnel over a path with an MTU of 1300: a host behind the tunnel cannot send 1280 bytes.
#
# Seen with Linux 6.1.176 (Debian 12, user-mode-linux 6.1um4+b13), iproute2 6.1.0, iputils-ping 20221126:
#   1. A router between the two gateways reports an MTU of 1300 ("packet too big"). The gateway accepts it.
#   2. Now 1226 bytes fit inside ESP. The gateway answers larger packets of the host with "packet too big" and an MTU
#      of 1226. That is below IPv6's minimum MTU, which every link must support (RFC 8200, 5), so the host
#      ignores it (RFC 8201, 4) and keeps sending 1280 bytes.
#   3. Packets of 1227 to 1280 bytes do not get through while the path stays like this. A tunnel may fragment the outer
#      packet; the kernel refuses the inner one instead.
# Expected: 1280 bytes always get through.
#
# Output seen:
#   1226 bytes: 0% packet loss
#   1227 bytes: 100% packet loss
#   1280 bytes: 100% packet loss
#
# Runs as root on Debian 12. Exit status 0: the behaviour is unchanged; 1: it has changed.
set -euo pipefail

work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq user-mode-linux=6.1um4+b13 iproute2=6.1.0-3 iputils-ping=3:20221126-1+deb12u1 \
  libbpf1 libelf1 libmnl0 libcap2 libbsd0 libmd0 libtirpc3 libxtables12 kmod libkmod2 2> download.log ||
  { cat download.log >&2; exit 1; }
for package in ./*.deb; do dpkg-deb -x "$package" root; done
modules=$work/root/usr/lib/uml/modules
version=$(ls "$modules")
mkdir -p out lib
ln -s "$modules" lib/modules
root/sbin/depmod -b "$work" "$version"

# The guest has this machine's files, read-only except this directory.
cat > init <<INNER
#!/bin/bash
export PATH=$work/root/bin:$work/root/sbin:$work/root/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu:$work/root/lib/x86_64-linux-gnu
off() { echo o > /proc/sysrq-trigger; sleep 9; }
trap off EXIT
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mount -t sysfs sysfs /sys
for module in veth esp6 xfrm_user aes_generic sha512_generic hmac ctr drbg gcm ghash-generic seqiv; do
  modprobe -d $work \$module
done
for node in a g r k b; do
  ip netns add \$node
  ip -n \$node link set lo up
  ip netns exec \$node sh -c 'for way in all default; do
    echo 1 > /proc/sys/net/ipv6/conf/\$way/forwarding; done'
done
join() { # left, right, network
  ip -n \$1 link add to-\$2 type veth peer name to-\$1 netns \$2
  ip -n \$1 addr add \$3::1/64 dev to-\$2 nodad
  ip -n \$2 addr add \$3::2/64 dev to-\$1 nodad
  ip -n \$1 link set to-\$2 up
  ip -n \$2 link set to-\$1 up
}
join a g fd00:a
join g r fd00:1
join r k fd00:2
join k b fd00:b
ip -n a route add default via fd00:a::2
ip -n b route add default via fd00:b::1
ip -n g route add default via fd00:1::2
ip -n k route add default via fd00:2::1
ip -n r link set to-k mtu 1300
gateway() { # namespace, own address, the other's, own network, the other's, SPI out, SPI in
  local key=0x$(printf '07%.0s' {1..20})
  ip -n \$1 xfrm state add src \$2 dst \$3 proto esp spi \$6 mode tunnel aead 'rfc4106(gcm(aes))' \$key 128
  ip -n \$1 xfrm state add src \$3 dst \$2 proto esp spi \$7 mode tunnel aead 'rfc4106(gcm(aes))' \$key 128
  ip -n \$1 xfrm policy add src \$4 dst \$5 dir out tmpl src \$2 dst \$3 proto esp mode tunnel
  for dir in in fwd; do
    ip -n \$1 xfrm policy add src \$5 dst \$4 dir \$dir tmpl src \$3 dst \$2 proto esp mode tunnel
  done
}
gateway g fd00:1::1 fd00:2::2 fd00:a::/64 fd00:b::/64 0x101 0x102
gateway k fd00:2::2 fd00:1::1 fd00:b::/64 fd00:a::/64 0x102 0x101
send() { ip netns exec a ping -6 -M do -c 3 -i 0.3 -W 1 -s \$((\$1 - 48)) fd00:b::2; }
sleep 2
send 1000
send 1400 # the router says what it takes
send 1400
for bytes in 1226 1227 1280; do
  echo "\$bytes bytes: \$(send \$bytes | grep -o '[0-9]*% packet loss')" >> /run/seen
done
cat /run/seen > $work/out/seen
INNER
chmod +x init
timeout 300 root/usr/bin/linux.uml mem=256M uml_dir="$work" umid=guest rootfstype=hostfs rw init="$work/init" \
  con=null con0=null,fd:2 quiet > console 2>&1 < /dev/null || true

expected='1226 bytes: 0% packet loss
1227 bytes: 100% packet loss
1280 bytes: 100% packet loss'
echo "Linux $version"
cat out/seen
[ "$(cat out/seen)" = "$expected" ] || { echo "this is not what was seen before" >&2; tail -30 console >&2; exit 1; }
