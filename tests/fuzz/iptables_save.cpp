// Output of iptables-save.
#include "agent/kernel/netfilter_save.h"
#include "tests/fuzz/fuzz.h"

using namespace pellicle;
using namespace pellicle::fuzz;

namespace {

// Every line of `text` is valid in an iptables-restore transaction.
void expect_transaction(std::string_view text) {
  while (!text.empty()) {
    const auto line = take_line(text);
    const bool known = line.starts_with('*') || line.starts_with(':') || line == "COMMIT" ||
                       line.starts_with("-A ") || line.starts_with("-D ") ||
                       line.starts_with("-I ") || line.starts_with("-X ");
    expect(known, "nothing in a rule becomes a line of its own");
  }
}

void check(const SavedTable& table, const NetfilterChain::Key& key, const NetfilterChain& chain) {
  expect(key.chain.starts_with(kChainPrefix), "a chain of ours has our name");
  expect(chain.parent.empty() || table.contains(chain.parent), "the parent is there");
  const auto jumps = deleted_jumps(table, key.chain);
  const auto written = restore_text(key, chain, jumps);
  expect_transaction(written);
  expect_transaction(removal_text(key, jumps));
  const auto back = parse_save(written);
  expect(back.size() == 1 && back.contains(key.table), "a transaction is about one table");
  const auto& only = back.at(key.table);
  expect(only.contains(key.chain) && only.at(key.chain) == chain.rules, "a chain comes back");
  (void)describe(key, chain);
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = text_of(data, size);
  for (const auto& [name, table] : parse_save(text)) {
    for (const auto& [key, chain] : chains_of_ours(table, Family::v4, name)) {
      check(table, key, chain);
    }
  }
  return 0;
}
