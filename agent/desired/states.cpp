#include "agent/desired/local_view.h"

namespace pellicle {

// One key on every node: the SPI is the key id, the replay window is 0, as Cilium sets them.
Table<State> states(const LocalView& view) {
  Table<State> table;
  if (!view.key) return table;
  const auto& key = *view.key;
  table.emplace(State::Key{.dst = view.router, .spi = key.id, .mark = kDecryptMark},
                State{.src = IpAddress::any(view.router.family()),
                      .reqid = kReqId,
                      .output_mark = kDecryptMark,
                      .algorithm = key.algorithm});
  for (const auto& peer : view.peers) {
    table.emplace(State::Key{.dst = peer.router, .spi = key.id, .mark = encrypt_mark(key.id)},
                  State{.src = view.router,
                        .reqid = kReqId,
                        .output_mark = kEncryptMark,
                        .algorithm = key.algorithm});
  }
  return table;
}

}  // namespace pellicle
