#include "tools/ctl/status_text.h"

#include <algorithm>
#include <functional>
#include <map>
#include <vector>

#include "tools/ctl/cluster_health_text.h"
#include "tools/ctl/screen.h"
#include "tools/ctl/status_peers.h"

namespace pellicle::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kFewRefusals = 4;

// A field's values of both families, or `otherwise`: "10.0.1.0/24, fd00:1::/64".
std::string both(const Json& node, const std::string& field, const std::string& otherwise) {
  std::string text = text_of(node, field.c_str(), "");
  const auto ipv6 = text_of(node, (field + "6").c_str(), "");
  if (!text.empty() && !ipv6.empty()) text += ", ";
  text += ipv6;
  return text.empty() ? otherwise : text;
}

void node_lines(Screen& screen, const Json& status) {
  const auto& node = status.at("node");
  if (status.contains("failure") && !node.contains("podCIDR")) {
    screen.line("Node:", text_of(node, "name") + "  not looked at yet: no pass has succeeded");
    return;
  }
  std::string where = text_of(node, "name") + "  " + both(node, "internalIP", "no InternalIP");
  if (node.contains("uplink")) {
    where += " on " + text_of(node.at("uplink"), "name") + " mtu " +
             std::to_string(node.at("uplink").value("mtu", 0));
  }
  screen.line("Node:", where);
  screen.line("Pods:", both(node, "podCIDR", "no PodCIDR") + ", cilium_host " +
                           both(node, "ciliumHost", "has no address yet") + ", pods " +
                           std::to_string(status.value("endpoints", 0)));
}

std::string listed(const Json& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word.get<std::string>();
  return text;
}

void ipam_lines(Screen& screen, const Json& status) {
  if (status.at("ipam").empty()) screen.line("IPAM:", "no address can be given out yet");
  for (const auto& pool : status.at("ipam")) {
    const bool full = pool.value("allocated", 0ULL) >= pool.value("usable", 0ULL);
    screen.line("IPAM:", text_of(pool, "family") + ": " + pool.at("allocated").dump() + "/" +
                             pool.at("usable").dump() + " allocated from " +
                             text_of(pool, "podCIDR") +
                             (full ? ", " + screen.bad("none is free") : ""));
    if (full) screen.paragraph(kLabel, "new pods wait until others of this node end");
  }
}

void cni_lines(Screen& screen, const Json& status) {
  const auto& cni = status.at("cni");
  std::string text = cni.value("installed", false) ? text_of(cni, "file") : "not installed";
  if (!cni.at("chained").empty()) text += ", then " + listed(cni.at("chained"));
  if (!cni.at("others").empty()) text += "; others beside it: " + listed(cni.at("others"));
  screen.sentence("CNI:", text);
}

// In Cilium's format: "IPTables [IPv4: Enabled, IPv6: Disabled]".
void routing_lines(Screen& screen, const Json& status) {
  const auto found = status.find("routing");
  if (found == status.end()) return;
  screen.line("Routing:", found->value("directRoutes", true)
                              ? "Native"
                              : "Native, others make the routes to the peers' pods");
  const auto& beyond = found->at("masqueradedBeyond");
  const auto family = [&](const char* name) {
    return beyond.contains(name) ? "Enabled beyond " + text_of(beyond, name)
                                 : std::string("Disabled");
  };
  screen.sentence("Masquerading:", beyond.empty() ? "Disabled"
                                                  : "IPTables [IPv4: " + family("ipv4") +
                                                        ", IPv6: " + family("ipv6") + "]");
}

// The problems below say why a controller is not healthy.
void controller_lines(Screen& screen, const Json& status, bool verbose) {
  const auto found = status.find("controllers");
  if (found == status.end()) return;
  size_t healthy = 0;
  for (const auto& each : *found) healthy += each.value("healthy", false) ? 1 : 0;
  screen.line("Controller Status:",
              std::to_string(healthy) + "/" + std::to_string(found->size()) + " healthy");
  for (const auto& each : *found) {
    const bool well = each.value("healthy", false);
    if (well && !verbose) continue;
    screen.line("  " + padded(text_of(each, "name"), 44), well ? "Ok" : screen.bad("failing"));
  }
}

bool kubernetes_lines(Screen& screen, const Json& status) {
  const auto& sources = status.at("kubernetes").at("sources");
  const bool healthy = std::all_of(sources.begin(), sources.end(), [](const Json& source) {
    return source.value("healthy", false);
  });
  screen.line("Kubernetes:", (healthy ? screen.good("Ok") : screen.bad("Degraded")) + "   " +
                                 text_of(status.at("kubernetes"), "server"));
  for (const auto& source : sources) {
    if (source.value("healthy", false)) continue;
    const bool synced = source.value("synced", false);
    screen.paragraph(kLabel,
                     text_of(source, "message", text_of(source, "name") + ": not listed yet") +
                         " (since " + text_of(source, "since") +
                         (synced ? "; the last known state keeps running)"
                                 : "; nothing is programmed before this has listed)"));
  }
  if (status.at("kubernetes").contains("apis")) {
    screen.line("Kubernetes APIs:", status.at("kubernetes").at("apis").dump());
  }
  return healthy;
}

// One line per older key.
void rotation_lines(Screen& screen, const Json& older) {
  for (const auto& each : older) {
    const auto& lacking = each.at("lacking");
    screen.paragraph(kLabel, "key " + each.at("key").dump() + " stays until " +
                                 (lacking.empty() ? "it has not been needed for a while"
                                                  : listed(lacking) + " announced a newer one"));
  }
}

bool encryption_lines(Screen& screen, const Json& status) {
  const auto& encryption = status.at("encryption");
  if (encryption.at("key").is_null()) {
    screen.line("Encryption:", screen.bad("no key") + "   pod packets to other nodes are dropped");
    return false;
  }
  const bool pair = text_of(encryption, "form") == "pair";
  screen.line("Encryption:",
              "IPsec   key " + std::to_string(encryption.at("key").get<int>()) +
                  (pair ? ", one per pair of nodes out of one Secret, " : ", one for all nodes, ") +
                  text_of(encryption, "algorithm"));
  if (encryption.value("hostEncryption", false)) {
    const auto& peers = status.at("peers");
    const auto nodes = std::count_if(peers.begin(), peers.end(), [](const Json& peer) {
      return peer.value("acceptsHostEncryption", false);
    });
    screen.line("", "also between pods and " + std::to_string(nodes) + "/" +
                        std::to_string(peers.size()) + " addresses of other nodes");
  }
  if (encryption.contains("older")) rotation_lines(screen, encryption.at("older"));
  if (encryption.contains("warning")) screen.paragraph(kLabel, text_of(encryption, "warning"));
  return true;
}

void object_lines(Screen& screen, const Json& status) {
  std::string text;
  for (const auto& [table, count] : status.at("objects").items()) {
    text += (text.empty() ? "" : ", ") + table + " " + count.dump();
  }
  screen.sentence("Programmed:", text.empty() ? "nothing" : text);
}

void drop_lines(Screen& screen, const Json& status) {
  std::string text;
  for (const auto& [reason, count] : status.at("drops").items()) {
    if (count.value("packets", 0ULL) == 0) continue;
    text += (text.empty() ? "" : ", ") + count.at("packets").dump() + " " + reason;
  }
  screen.line("Drops:", text.empty() ? "none" : text);
  for (const auto& each : status.value("forgeries", Json::array())) {
    const bool in_esp = text_of(each, "kind") == "in_esp";
    screen.line("", each.at("packets").dump() + " with an address of " + text_of(each, "owner") +
                        (in_esp ? " in the ESP of " + text_of(each, "sender", "some node")
                                : " in the clear") +
                        (text_of(each, "kind") == "clear_observed" ? ", let in" : ", dropped"));
  }
}

// Groups refusals by cause, because one cause can affect many operations.
size_t refusal_lines(Screen& screen, const Json& refusals, bool verbose) {
  std::vector<std::string> causes;
  std::map<std::string, std::vector<std::string>> operations;
  for (const auto& refusal : refusals) {
    const std::string cause =
        "refused since " + text_of(refusal, "since") + ": " + text_of(refusal, "message");
    if (!operations.contains(cause)) causes.push_back(cause);
    operations[cause].push_back(text_of(refusal, "operation"));
  }
  for (const auto& cause : causes) {
    screen.paragraph(2, cause);
    const auto& concerned = operations[cause];
    const size_t shown = verbose ? concerned.size() : std::min(concerned.size(), kFewRefusals);
    for (size_t i = 0; i < shown; ++i) screen.paragraph(4, concerned[i]);
    if (shown == concerned.size()) continue;
    screen.paragraph(4, "... " + std::to_string(concerned.size() - shown) + " more with --verbose");
  }
  return causes.size();
}

bool trouble_lines(Screen& screen, const Json& status, bool verbose) {
  const auto& problems = status.at("problems");
  const bool failed = status.contains("failure");
  Screen refusals(false);
  const size_t count =
      problems.size() + refusal_lines(refusals, status.at("refusals"), verbose) + (failed ? 1 : 0);
  screen.line("Problems:", count == 0 ? "none" : screen.bad(std::to_string(count)));
  if (failed) {
    screen.paragraph(2, "no pass succeeds since " + text_of(status.at("failure"), "since") + ": " +
                            text_of(status.at("failure"), "message") +
                            "; what is programmed keeps running, and it is tried again");
  }
  screen.add(refusals);
  for (const auto& problem : problems) {
    const std::string field = text_of(problem, "field", "");
    screen.paragraph(2, text_of(problem, "object") + (field.empty() ? "" : " " + field) +
                            " since " + text_of(problem, "since") + ": " +
                            text_of(problem, "message"));
  }
  return count == 0;
}

}  // namespace

StatusText status_text(const Json& status, bool colour, bool verbose) {
  Screen screen(colour);
  bool healthy = status.value("ready", false);
  node_lines(screen, status);
  ipam_lines(screen, status);
  cni_lines(screen, status);
  healthy &= kubernetes_lines(screen, status);
  routing_lines(screen, status);
  healthy &= encryption_lines(screen, status);
  peer_lines(screen, status, verbose);
  controller_lines(screen, status, verbose);
  cluster_health_lines(screen, status, verbose);
  if (verbose) object_lines(screen, status);
  drop_lines(screen, status);
  healthy &= trouble_lines(screen, status, verbose);
  screen.line("Agent:", (healthy ? screen.good("Ok") : screen.bad("Degraded")) + "   " +
                            text_of(status, "version") + ", since " + text_of(status, "started") +
                            ", " + std::to_string(status.value("passes", 0ULL)) + " passes");
  return {.text = screen.text(), .healthy = healthy};
}

}  // namespace pellicle::ctl
