#include "tools/ctl/status_peers.h"

#include <algorithm>
#include <functional>
#include <vector>

namespace pellicle::ctl {

namespace {

using Json = nlohmann::ordered_json;

bool is_encrypted(const Json& peer) {
  return peer.at("state") == "encrypted";
}

bool has_narrow_path(const Json& peer) {
  return peer.contains("pathMTU");
}

// Peers with a problem first, then those with a narrower path.
std::vector<Json> in_order_of_interest(const Json& peers) {
  std::vector<Json> list(peers.begin(), peers.end());
  const auto well = std::stable_partition(list.begin(), list.end(), std::not_fn(is_encrypted));
  std::stable_partition(well, list.end(), has_narrow_path);
  return list;
}

// Earlier agents report no routes; theirs go to the node itself.
Json route_of(const Json& peer) {
  return peer.value("route", Json{{"kind", "direct"}, {"via", text_of(peer, "internalIP")}});
}

std::string way_to(const Screen& screen, const Json& peer) {
  const auto& state = peer.at("state");
  if (is_encrypted(peer)) {
    const auto route = route_of(peer);
    const auto via =
        route.contains("via") ? "via " + text_of(route, "via") : std::string("routed by others");
    return padded(via, 20) + text_of(peer, "ciliumHost") +
           (text_of(route, "kind") == "routed" ? "  routed" : "");
  }
  if (state == "no route") return screen.bad("no route") + " to " + text_of(peer, "internalIP");
  return state == "dropped" ? screen.bad("dropped") + ": there is no key for it yet"
                            : screen.bad("refused") + " by the kernel, see below";
}

void peer_line(Screen& screen, const Json& peer) {
  screen.line("  " + padded(text_of(peer, "name"), 22),
              padded(text_of(peer, "podCIDR"), 16) + way_to(screen, peer));
  const auto expected = text_of(route_of(peer), "expected", "");
  if (is_encrypted(peer) && !expected.empty()) screen.paragraph(4, expected);
  if (!has_narrow_path(peer)) return;
  const auto& path = peer.at("pathMTU");
  screen.paragraph(4, "path MTU " + path.at("mtu").dump() + " since " + text_of(path, "since") +
                          ", said by " + text_of(path, "saidBy"));
}

}  // namespace

void peer_lines(Screen& screen, const Json& status, bool verbose) {
  const auto& peers = status.at("peers");
  const auto total = std::to_string(peers.size() + status.at("unready").size());
  const auto encrypted = std::count_if(peers.begin(), peers.end(), is_encrypted);
  screen.line("Peers:", status.value("ready", false)
                            ? std::to_string(encrypted) + "/" + total + " encrypted"
                            : total + " known; this node is not ready, see below");
  size_t listed = 0;
  for (const auto& peer : in_order_of_interest(peers)) {
    if (!verbose && ++listed > kFewPeers) {
      screen.paragraph(2, "... all of them with --verbose");
      break;
    }
    peer_line(screen, peer);
  }
  for (const auto& cidr : status.at("unready")) {
    screen.line("  -", padded(cidr.get<std::string>(), 16) + screen.bad("dropped") +
                           ": not ready to be encrypted to");
  }
}

}  // namespace pellicle::ctl
