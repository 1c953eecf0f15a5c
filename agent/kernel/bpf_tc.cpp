#include "agent/kernel/bpf_tc.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cerrno>

#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

uint32_t parent_of(bool ingress) {
  return TC_H_MAKE(TC_H_CLSACT, ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

tcmsg header_for(uint32_t ifindex, uint32_t parent) {
  tcmsg header{};
  header.tcm_family = AF_UNSPEC;
  header.tcm_ifindex = static_cast<int>(ifindex);
  header.tcm_parent = parent;
  return header;
}

NetlinkMessage filter_message(int type, int flags, const TcHook& hook) {
  NetlinkMessage message(type, flags);
  tcmsg header = header_for(hook.ifindex, parent_of(hook.ingress));
  header.tcm_handle = kFilterHandle;
  header.tcm_info = TC_H_MAKE(uint32_t{kFilterPriority} << 16, htons(ETH_P_ALL));
  message.header(header);
  message.put_text(TCA_KIND, "bpf");
  return message;
}

NetlinkMessage hooks_message(int type, int flags, uint32_t ifindex) {
  NetlinkMessage message(type, flags);
  tcmsg header = header_for(ifindex, TC_H_CLSACT);
  header.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
  message.header(header);
  message.put_text(TCA_KIND, "clsact");
  return message;
}

// The filter does not exist: no such filter or hook (ENOENT), another kind of filter at this
// priority or no clsact qdisc on the device (EINVAL), no such device (ENODEV). Errors of Linux 6.1
// and 6.18.
bool means_absent(int error) {
  return error == ENOENT || error == EINVAL || error == ENODEV;
}

Outcome absent_is_success(const Outcome& outcome) {
  return means_absent(outcome.error) ? Outcome{} : outcome;
}

std::optional<uint32_t> direct_program(const nlmsghdr& message) {
  const Attributes filter(message, sizeof(tcmsg));
  if (filter.text(TCA_KIND) != "bpf") return std::nullopt;
  const Attributes options(filter.raw(TCA_OPTIONS));
  if ((options.value<uint32_t>(TCA_BPF_FLAGS).value_or(0) & TCA_BPF_FLAG_ACT_DIRECT) == 0)
    return std::nullopt;
  return options.value<uint32_t>(TCA_BPF_ID);
}

}  // namespace

std::vector<uint32_t> devices_with_hooks(NetlinkSocket& socket) {
  NetlinkMessage request(RTM_GETQDISC, 0);
  request.header(tcmsg{});
  return socket.dump(std::move(request), [](const nlmsghdr& part) -> std::optional<uint32_t> {
    const auto header = header_of<tcmsg>(part);
    const std::string kind = Attributes(part, sizeof(tcmsg)).text(TCA_KIND);
    if (!header || (kind != "clsact" && kind != "ingress")) return std::nullopt;
    return static_cast<uint32_t>(header->tcm_ifindex);
  });
}

std::vector<std::optional<uint32_t>> programs_in_place(NetlinkSocket& socket,
                                                       std::span<const TcHook> hooks) {
  std::vector<NetlinkMessage> requests;
  requests.reserve(hooks.size());
  for (const TcHook& hook : hooks) requests.push_back(filter_message(RTM_GETTFILTER, 0, hook));
  std::vector<std::optional<uint32_t>> programs(hooks.size());
  const auto outcomes = socket.batch(requests, [&](size_t request, const nlmsghdr& answer) {
    programs[request] = direct_program(answer);
  });
  for (const Outcome& outcome : outcomes)
    if (!outcome.ok() && !means_absent(outcome.error))
      throw OsError(outcome.error, "read the programs on devices: " + outcome.sentence);
  return programs;
}

Outcome make_hooks(NetlinkSocket& socket, uint32_t ifindex) {
  const Outcome outcome =
      socket.request(hooks_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex));
  return outcome.error == EEXIST ? Outcome{} : outcome;
}

Outcome attach_program(NetlinkSocket& socket, const TcHook& hook, int program_fd,
                       const std::string& name) {
  NetlinkMessage message = filter_message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_REPLACE, hook);
  nlattr* options = message.begin_nest(TCA_OPTIONS);
  message.put(TCA_BPF_FD, program_fd);
  message.put_text(TCA_BPF_NAME, name);
  message.put(TCA_BPF_FLAGS, uint32_t{TCA_BPF_FLAG_ACT_DIRECT});
  message.end_nest(options);
  return socket.request(std::move(message));
}

Outcome detach_program(NetlinkSocket& socket, const TcHook& hook) {
  return absent_is_success(socket.request(filter_message(RTM_DELTFILTER, 0, hook)));
}

NetlinkMessage filters_request(const TcHook& hook) {
  NetlinkMessage request(RTM_GETTFILTER, 0);
  request.header(header_for(hook.ifindex, parent_of(hook.ingress)));
  return request;
}

bool hooks_are_empty(NetlinkSocket& socket, uint32_t ifindex) {
  for (const bool ingress : {true, false}) {
    const auto filters = socket.dump(filters_request({ifindex, ingress}),
                                     [](const nlmsghdr& part) { return header_of<tcmsg>(part); });
    if (!filters.empty()) return false;
  }
  return true;
}

Outcome remove_hooks(NetlinkSocket& socket, uint32_t ifindex) {
  return absent_is_success(socket.request(hooks_message(RTM_DELQDISC, 0, ifindex)));
}

}  // namespace pellicle
