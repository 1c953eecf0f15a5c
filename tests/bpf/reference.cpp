#include "tests/bpf/reference.h"

namespace pellicle {

using namespace datapath;

namespace {

constexpr uint32_t kUnreadable = 256;  // not a protocol number

Expected dropped(drop_reason reason) {
  return {.verdict = TC_ACT_SHOT, .mark = 0, .reason = reason};
}

bool marked(uint32_t mark, uint32_t field) {
  return (mark & 0xf00) == field;
}

}  // namespace

bool Generated::is_ip() const {
  return !is_tagged() &&
         (packet.ethertype == 0 || packet.ethertype == 0x0800 || packet.ethertype == 0x86dd);
}

bool Generated::is_readable() const {
  if (is_tagged() || packet.ethertype != 0 || packet.version != 0) return false;
  if (ipv6) return size >= kEthernet + 40;
  return packet.ihl >= 5 && size >= kEthernet + packet.ihl * size_t{4};
}

uint32_t Generated::protocol() const {
  return carried().protocol;
}

Generated::Carried Generated::carried() const {
  size_t end = kEthernet + 40;
  for (size_t i = 0; ipv6 && i < packet.headers.size(); ++i) {
    const bool last = i + 1 == packet.headers.size();
    if (i == 6 || size < end + 4) return {kUnreadable, 0};
    if (packet.headers[i].fragment >= 8) {
      return {last ? packet.protocol : packet.headers[i + 1].type, 0};
    }
    end += 8 + packet.headers[i].words * size_t{8};
  }
  return {packet.protocol, end};
}

bool Generated::is_own() const {
  if (from != Is::pod) return false;
  const auto [protocol, offset] = carried();
  return !ipv6 || protocol != kIcmpv6 || offset < size;
}

bool Generated::is_own_esp() const {
  return is_readable() && from == Is::router && protocol() == kEsp;
}

// The peers map holds nodes' own addresses only with host encryption.
bool Reference::is_for_peer(const Generated& sent) const {
  return sent.to == Is::peer || sent.to == Is::peer_without_key ||
         (sent.to == Is::node && host_encryption);
}

// What must not leave in the clear: packets of this node's pods and router to a peer. With host
// encryption, also every packet to a peer's pods, and to a peer's node the packets that by their
// mark come from a pod or answer one.
bool Reference::is_to_be_encrypted(const Generated& sent, uint32_t mark) const {
  if (!is_for_peer(sent)) return false;
  if (sent.is_from_here()) return true;
  const bool of_a_pod = marked(mark, 0x100) || marked(mark, 0x200) || marked(mark, 0xe00);
  return host_encryption && (sent.to != Is::node || of_a_pod);
}

Expected Reference::lxc_in(const Generated& sent, uint32_t) const {
  if (sent.is_tagged()) return dropped(DROP_TAGGED);
  if (sent.packet.ethertype == 0x0806) return dropped(DROP_FORGED);  // the bytes are not ARP
  if (!sent.is_ip()) return {TC_ACT_OK, 0, {}};
  if (!sent.is_readable() || sent.protocol() == kUnreadable) return dropped(DROP_MALFORMED);
  if (!sent.is_own()) return dropped(DROP_FORGED);
  const bool ours = sent.packet.to == MacBytes{};
  if (!ours || sent.stays_on_link()) return {TC_ACT_OK, 0, {}};
  if (sent.to == Is::peer) return {TC_ACT_OK, 0x3e00, {}};
  if (sent.to == Is::peer_without_key) return dropped(DROP_NO_KEY);
  return {TC_ACT_OK, host_encryption ? 0x100U : 0U, {}};
}

Expected Reference::uplink_in(const Generated& sent, uint32_t mark) const {
  const bool decrypted = marked(mark, 0xd00);
  // The test has no xfrm state. As with one key for all nodes, the program only knows that this
  // node did not send the packet.
  if (decrypted && sent.is_readable() && sent.is_from_here()) return dropped(DROP_FORGED_NODE);
  if (decrypted && sent.is_readable() && sent.to != Is::pod) return {TC_ACT_UNSPEC, 0x200, {}};
  if (decrypted) return {TC_ACT_UNSPEC, 0, {}};
  const bool esp = sent.is_readable() && sent.to == Is::router && sent.protocol() == kEsp;
  const bool of_a_node = sent.is_from_here() || sent.from == Is::peer || sent.from == Is::node;
  if (sent.is_readable() && !esp && sent.is_for_this_node() && of_a_node)
    return dropped(DROP_CLEAR_TEXT);
  return {TC_ACT_UNSPEC, esp ? 0xd00 : mark, {}};
}

// The auditor: drops what policies and routes let through.
Expected Reference::uplink_out(const Generated& sent, uint32_t mark) const {
  const Expected passes{TC_ACT_UNSPEC, mark, {}};
  if (!sent.is_readable() || sent.stays_on_link()) return passes;
  if (sent.is_for_this_node()) return dropped(DROP_NO_ROUTE);
  if (sent.is_own_esp() || !is_to_be_encrypted(sent, mark)) return passes;
  return dropped(sent.to == Is::peer_without_key ? DROP_NO_KEY : DROP_UNENCRYPTED);
}

Expected Reference::host_out(const Generated& sent, uint32_t mark) const {
  const Expected passes{TC_ACT_OK, mark, {}};
  if (marked(mark, 0xe00)) return sent.is_own_esp() ? passes : dropped(DROP_UNENCRYPTED);
  if (!sent.is_readable()) return passes;
  if (sent.to == Is::pod)
    return {.verdict = TC_ACT_REDIRECT, .mark = mark, .reason = {}, .readdressed = true};
  if (!is_for_peer(sent)) return passes;
  if (!is_to_be_encrypted(sent, mark)) return dropped(DROP_NO_ROUTE);
  if (sent.to == Is::peer_without_key) return dropped(DROP_NO_KEY);
  return {TC_ACT_OK, 0x3e00, {}};
}

Expected Reference::net_in(const Generated& sent, uint32_t mark) const {
  const Expected passes{TC_ACT_OK, mark, {}};
  if (marked(mark, 0xe00)) return sent.is_own_esp() ? dropped(DROP_NO_ROUTE) : passes;
  if (!sent.is_readable() || sent.stays_on_link()) return passes;
  if (sent.is_for_this_node()) return dropped(DROP_NO_ENDPOINT);
  return sent.packet.to == kOther ? dropped(DROP_NO_KEY) : passes;
}

}  // namespace pellicle
