#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

void add_states(const FamilyView& own, const IpsecKey& key, Table<State>& table) {
  table.emplace(State::Key{.dst = own.router, .spi = key.id, .mark = kDecryptMark},
                State{.src = IpAddress::any(own.family()),
                      .reqid = kReqId,
                      .output_mark = kDecryptMark,
                      .algorithm = key.algorithm});
  for (const auto& peer : own.peers) {
    table.emplace(State::Key{.dst = peer.router, .spi = key.id, .mark = encrypt_mark(key.id)},
                  State{.src = own.router,
                        .reqid = kReqId,
                        .output_mark = kEncryptMark,
                        .algorithm = key.algorithm});
  }
}

}  // namespace

// One key on every node: the SPI is the key id, the replay window is 0, as Cilium sets them.
Table<State> states(const LocalView& view) {
  Table<State> table;
  if (!view.key) return table;
  for (const auto& own : view.families) add_states(own, *view.key, table);
  return table;
}

}  // namespace pellicle
