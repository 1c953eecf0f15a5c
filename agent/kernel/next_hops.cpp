#include "agent/kernel/next_hops.h"

#include <cerrno>
#include <cstring>
#include <set>

#include <net/if_arp.h>

#include "agent/kernel/link_codec.h"
#include "agent/kernel/os_error.h"
#include "agent/kernel/route_codec.h"

namespace pellicle {

namespace {

struct Answer {
  Outcome outcome;
  std::optional<KernelNextHop> hop;
};

// Errors that mean: there is a route of type unreachable, prohibit or blackhole, there is no route,
// or the source address is gone.
bool means_no_route(int error) {
  return error == ENETUNREACH || error == EHOSTUNREACH || error == EACCES || error == EINVAL ||
         error == ENETDOWN || error == ENODEV;
}

std::vector<Answer> ask(NetlinkSocket& socket, const std::vector<NextHopQuestion>& questions) {
  std::vector<NetlinkMessage> messages;
  messages.reserve(questions.size());
  for (const auto& question : questions) messages.push_back(next_hop_request(question));
  std::vector<Answer> answers(questions.size());
  auto outcomes = socket.batch(messages, [&](size_t request, const nlmsghdr& message) {
    answers[request].hop = decode_next_hop(message);
  });
  for (size_t i = 0; i < answers.size(); ++i) answers[i].outcome = std::move(outcomes[i]);
  return answers;
}

NextHop next_hop(const Answer& answer, const Devices& devices, const IpAddress& destination) {
  const auto none = [](std::string obstacle) {
    return NextHop{.device = {}, .gateway = {}, .obstacle = std::move(obstacle)};
  };
  const auto& [outcome, hop] = answer;
  if (!outcome.ok()) {
    if (!means_no_route(outcome.error))
      require(outcome, "ask for the way to " + destination.to_string());
    return none(outcome.sentence);
  }
  if (!hop || !hop->unicast) return none("it is no other host's address");
  const Link* device = devices.find(hop->dev);
  if (device == nullptr) return none(std::strerror(ENODEV));
  return {.device = device->name,
          .gateway = hop->gateway,
          .ethernet = device->type == ARPHRD_ETHER,
          .mtu = device->mtu};
}

// The gateways that the kernel reaches only through another gateway, or not at all. Routes through
// them need `onlink`.
std::set<IpAddress> hidden(NetlinkSocket& socket, const std::set<IpAddress>& gateways) {
  std::vector<NextHopQuestion> questions;
  questions.reserve(gateways.size());
  for (const auto& gateway : gateways) questions.push_back({gateway, std::nullopt});
  std::set<IpAddress> found;
  const auto answers = ask(socket, questions);
  for (size_t i = 0; i < answers.size(); ++i) {
    const auto& hop = answers[i].hop;
    if (!hop || hop->gateway) found.insert(questions[i].destination);
  }
  return found;
}

}  // namespace

std::map<IpAddress, NextHop> read_next_hops(NetlinkSocket& socket, const Devices& devices,
                                            const std::vector<NextHopQuestion>& questions) {
  std::map<IpAddress, NextHop> hops;
  std::set<IpAddress> gateways;
  const auto answers = ask(socket, questions);
  for (size_t i = 0; i < answers.size(); ++i) {
    const auto& destination = questions[i].destination;
    auto hop = next_hop(answers[i], devices, destination);
    // A link-local gateway is on its device's link by definition.
    if (hop.gateway && !is_link_local(*hop.gateway)) gateways.insert(*hop.gateway);
    hops.emplace(destination, std::move(hop));
  }
  const auto needs_onlink = hidden(socket, gateways);
  for (auto& [destination, hop] : hops) {
    hop.onlink = hop.gateway && needs_onlink.contains(*hop.gateway);
  }
  return hops;
}

}  // namespace pellicle
