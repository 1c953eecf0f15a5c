#include "agent/kernel/routes.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>

#include <linux/rtnetlink.h>

#include "agent/kernel/netlink_batch.h"
#include "agent/kernel/ownership.h"

namespace pellicle {

namespace {

bool is_gone(int error) {
  return error == ESRCH || error == ENODEV;
}

RouteVerb verb(Action action) {
  switch (action) {
    case Action::add:
      return RouteVerb::add;
    case Action::replace:
      return RouteVerb::replace;
    case Action::remove:
      return RouteVerb::remove;
  }
  return RouteVerb::remove;
}

// Gateways that this run added to the ledger. A failed add must remove its gateway again.
using Noted = std::set<Ledger::Gateway>;

Noted note_gateways(Ledger& ledger, std::span<const Change<Route>> changes) {
  Noted noted;
  for (const auto& change : changes) {
    if (change.action == Action::remove || !needs_ledger(change.key, change.value)) continue;
    const Ledger::Gateway gateway{change.key.dst, *change.value.gateway};
    if (ledger.gateways().contains(gateway)) continue;
    ledger.note_gateway(gateway.first, gateway.second);
    noted.insert(gateway);
  }
  ledger.save();
  return noted;
}

// After the kernel's answer, makes the ledger match the route.
void settle(Ledger& ledger, const Noted& noted, const Change<Route>& change,
            const Outcome& outcome) {
  if (change.key.table != RT_TABLE_MAIN) return;
  const auto& value = change.value;
  if (outcome.ok()) {
    const bool stays = change.action != Action::remove && needs_ledger(change.key, value);
    if (change.action == Action::add && !stays) return;
    ledger.forget_gateways(change.key.dst, stays ? value.gateway : std::nullopt);
    return;
  }
  const bool unknown = outcome.error == ENOBUFS;  // the route may exist: keep it in the ledger
  if (!unknown && value.gateway && noted.contains({change.key.dst, *value.gateway})) {
    ledger.forget_gateway(change.key.dst, *value.gateway);
  }
}

void forget_unseen(Ledger& ledger, std::vector<Ledger::Gateway> seen) {
  std::sort(seen.begin(), seen.end());
  const auto& recorded = ledger.gateways();
  std::vector<Ledger::Gateway> unseen;
  std::set_difference(recorded.begin(), recorded.end(), seen.begin(), seen.end(),
                      std::back_inserter(unseen));
  for (const auto& [dst, gateway] : unseen) ledger.forget_gateway(dst, gateway);
}

bool is_there(std::span<const KernelRoute> routes, const Change<Route>& change, int dev) {
  KernelRoute wanted{change.key, change.value, dev, true};
  wanted.value.dev.clear();
  return std::find(routes.begin(), routes.end(), wanted) != routes.end();
}

// An add that failed because the identical gateway route exists succeeds: the route becomes
// Pellicle's.
void adopt(NetlinkSocket& socket, const Devices& devices, std::span<const Change<Route>> changes,
           std::vector<Outcome>& outcomes) {
  std::optional<std::vector<KernelRoute>> routes;
  for (size_t i = 0; i < changes.size(); ++i) {
    const auto& change = changes[i];
    if (outcomes[i].error != EEXIST || !needs_ledger(change.key, change.value)) continue;
    if (!routes) routes = read_routes(socket, change.key.dst.family());
    const Link* link = devices.find(change.value.dev);
    if (link && is_there(*routes, change, link->index)) outcomes[i] = {};
  }
}

}  // namespace

std::vector<KernelRoute> read_routes(NetlinkSocket& socket, Family family) {
  auto routes = socket.dump(route_dump(family), decode_route);
  // A kernel without the family dumps the routes of all families (6.1, rtnetlink_rcv_msg).
  std::erase_if(routes, [&](const KernelRoute& each) { return each.key.dst.family() != family; });
  return routes;
}

void restore_routes(NetlinkSocket& socket, std::span<const KernelRoute> before, Family family) {
  const auto now = read_routes(socket, family);
  std::vector<KernelRoute> lost;
  for (const auto& route : before) {
    if (!route.plain || route.value.protocol == RTPROT_KERNEL) continue;
    if (std::find(now.begin(), now.end(), route) == now.end()) lost.push_back(route);
  }
  // Sorted by key, the route to a gateway comes before the routes through it.
  std::sort(lost.begin(), lost.end());
  for (const auto& route : lost) {
    // If this fails, the next dump lacks the route, and the next plan adds it.
    socket.request(encode_route(RouteVerb::add, route.key, route.value, route.dev));
  }
}

void dump_routes(NetlinkSocket& socket, const Devices& devices, const OwnDevices& own,
                 Ledger& ledger, KernelState& into) {
  std::vector<Ledger::Gateway> seen;
  for (const auto family : kFamilies) {
    for (auto& route : read_routes(socket, family)) {
      route.value.dev = devices.name(route.dev);
      bool ours = is_ours(route, route.value.dev, own);
      if (route.plain && needs_ledger(route.key, route.value)) {
        Ledger::Gateway gateway{route.key.dst, *route.value.gateway};
        if (ledger.gateways().contains(gateway)) {
          seen.push_back(std::move(gateway));
          ours = true;
        }
      }
      if (ours) into.routes.emplace(route.key, std::move(route.value));
    }
  }
  forget_unseen(ledger, std::move(seen));
}

std::vector<Outcome> apply_routes(NetlinkSocket& socket, const Devices& devices, Ledger& ledger,
                                  std::span<const Change<Route>> changes) {
  const auto noted = note_gateways(ledger, changes);
  NetlinkBatch batch(changes.size());
  for (size_t i = 0; i < changes.size(); ++i) {
    const auto& change = changes[i];
    const Link* link = devices.find(change.value.dev);
    if (link || change.value.type == RouteType::unreachable) {
      batch.add(
          i, encode_route(verb(change.action), change.key, change.value, link ? link->index : 0));
    } else if (change.action != Action::remove) {
      batch.settle(i, missing_device(change.value.dev));
    }
  }
  auto outcomes = batch.send(socket, [&](size_t i, int error) {
    return changes[i].action == Action::remove && is_gone(error);
  });
  adopt(socket, devices, changes, outcomes);
  for (size_t i = 0; i < changes.size(); ++i) settle(ledger, noted, changes[i], outcomes[i]);
  ledger.save();
  return outcomes;
}

}  // namespace pellicle
