# Runs in the pod of `helm test`. Asks the Service until a server on another node has answered, then
# pings that server and asks it by its own addresses. A server answers with its node and addresses.
set -eu
service=${PELLICLE_TEST_SERVICE_HOST:-pellicle-test}
wait_s=${WAIT_S:-120}
case $service in *:*) service="[$service]" ;; esac

# get HOST[:PORT]: what a server says, or nothing.
get() { busybox timeout 3 busybox wget -q -O - "http://$1/" 2>/dev/null || true; }

echo "This pod is on node $NODE_NAME."
until=$(($(date +%s) + wait_s))
heard=
while :; do
  answer=$(get "$service")
  node=${answer%% *}
  if [ -n "$node" ] && [ "$node" != "$NODE_NAME" ]; then break; fi
  if [ -n "$node" ]; then heard="only the server on this node answers"; fi
  if [ "$(date +%s)" -ge "$until" ]; then
    echo "FAILED: no server on another node answered through the Service within $wait_s s:" \
      "${heard:-no server answers}."
    echo "A cluster of one node has none. Else see: kubectl exec ds/pellicle -c agent -- pellicle status"
    exit 1
  fi
  sleep 1
done
echo "ok: HTTP through the Service, to node $node"

failed=
# report WORDS COMMAND...
report() {
  words=$1
  shift
  if "$@" >/dev/null 2>&1; then
    echo "ok: $words"
  else
    echo "FAILED: $words"
    failed=1
  fi
}
asks() { [ "$(get "$1")" = "$answer" ]; }

for address in $(echo "${answer#* }" | tr ',' ' '); do
  host=$address
  case $address in *:*) host="[$address]" ;; esac
  report "ping of $address on node $node" busybox ping -c 3 -W 2 "$address"
  report "HTTP to $address on node $node" asks "$host:8080"
done
if [ -n "$failed" ]; then exit 1; fi
echo "Pods of nodes $NODE_NAME and $node reach each other."
