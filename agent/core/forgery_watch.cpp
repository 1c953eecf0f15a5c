#include "agent/core/forgery_watch.h"

#include <algorithm>

namespace pellicle {

namespace {

const char* name(ForgeryKind kind) {
  switch (kind) {
    case ForgeryKind::in_esp:
      return "in_esp";
    case ForgeryKind::clear_dropped:
      return "clear_dropped";
    case ForgeryKind::clear_observed:
      return "clear_observed";
  }
  return "";
}

std::string node_of(const IpAddress& router, const Cluster& cluster) {
  const auto own = cluster.own.find(router.family());
  if (own != cluster.own.end() && own->second.router == router && cluster.self) {
    return cluster.self->name;
  }
  const auto peer = std::find_if(cluster.peers.begin(), cluster.peers.end(),
                                 [&](const Peer& each) { return each.router == router; });
  return peer == cluster.peers.end() ? router.to_string() : peer->name;
}

Problem problem(const Forgery& forgery, const Cluster& cluster) {
  const auto owner = node_of(forgery.owner, cluster);
  switch (forgery.kind) {
    case ForgeryKind::in_esp:
      if (!forgery.sender) {
        return {"Node " + owner, "forgery",
                "packets with its addresses arrive inside another node's ESP and are dropped; one "
                "key for all nodes does not tell whose ESP it is"};
      }
      return {"Node " + node_of(*forgery.sender, cluster), "forgery",
              "sends packets with addresses of Node " + owner +
                  " inside its ESP; expected its own, the others are dropped"};
    case ForgeryKind::clear_dropped:
      return {"Node " + owner, "clear text",
              "packets with its addresses arrive in the clear and are dropped; expected ESP, as "
              "the Node says that it encrypts"};
    case ForgeryKind::clear_observed:
      return {"Node " + owner, "clear text",
              "packets with its addresses arrive in the clear and are let in, as strict-ingress is "
              "observe; expected ESP, as the Node says that it encrypts"};
  }
  return {};
}

}  // namespace

std::vector<ToldForgery> told(const std::vector<Forgery>& forgeries, const Cluster& cluster) {
  std::vector<ToldForgery> all;
  for (const auto& each : forgeries) {
    const ToldForgery one{.kind = name(each.kind),
                          .sender = each.sender ? node_of(*each.sender, cluster) : "",
                          .owner = node_of(each.owner, cluster),
                          .count = each.count};
    const auto same = std::find_if(all.begin(), all.end(), [&](const ToldForgery& known) {
      return std::string(known.kind) == one.kind && known.sender == one.sender &&
             known.owner == one.owner;
    });
    if (same == all.end()) {
      all.push_back(one);
    } else {
      same->count.packets += one.count.packets;
      same->count.bytes += one.count.bytes;
    }
  }
  return all;
}

Forgery ForgeryWatch::key_of(Forgery forgery) {
  forgery.count = {};
  return forgery;
}

void ForgeryWatch::look(std::vector<Forgery> counted, Clock::time_point now) {
  for (const auto& each : counted) {
    const auto before = std::find_if(counted_.begin(), counted_.end(), [&](const Forgery& known) {
      return key_of(known) == key_of(each);
    });
    const bool same = before != counted_.end() && before->count == each.count;
    if (looked_ && !same) grown_[key_of(each)] = now;
  }
  looked_ = true;
  counted_ = std::move(counted);
}

std::vector<Problem> ForgeryWatch::problems(const Cluster& cluster, Clock::time_point now) const {
  std::vector<Problem> all;
  for (const auto& [forgery, last] : grown_) {
    if (now - last < kTold) all.push_back(problem(forgery, cluster));
  }
  return all;
}

}  // namespace pellicle
