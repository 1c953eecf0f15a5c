// The epochs of senders with keys per pair: which SPI is sent with, and which are received.
#include <algorithm>

#include "agent/desired/epochs.h"
#include "tests/harness/catch.h"
#include "tests/unit/desired/pair_nodes.h"

namespace pellicle::this_file {

using namespace pair_nodes;

TEST_CASE("epochs: a sender moves to its new SPI once the peer says that it receives it") {
  auto inputs = worker();
  settle(inputs);
  const Epoch next{.spi = 0x1abcdef0, .generation = 77};
  inputs.sender.epochs = {kWorker, next};
  inputs.sender.settled = false;
  settle(inputs);
  CHECK(spi_in_use(inputs) == 0x100018a3);
  CHECK(compute(inputs).state.states.contains({ip("10.0.0.40"), 0x1abcdef3, {}}));
  CHECK(needed_epochs(inputs).size() == 2);
  inputs.nodes["worker2"].receives = {next.spi};
  settle(inputs);
  CHECK(spi_in_use(inputs) == 0x1abcdef3);
  CHECK_FALSE(compute(inputs).state.states.contains({ip("10.0.0.40"), 0x100018a3, {}}));
  CHECK(needed_epochs(inputs).size() == 2);  // control-plane announces no receipt
  inputs.nodes["control-plane"].receives = {next.spi};
  settle(inputs);
  CHECK(needed_epochs(inputs) == std::vector{next});
}

TEST_CASE("epochs: a receiver has a state for each epoch that is announced") {
  auto inputs = worker();
  inputs.nodes["worker2"].epochs.push_back({.spi = 0x1abcdef0, .generation = 77});
  const auto states = compute(inputs).state.states;
  const auto& newer = states.at({ip("10.0.1.138"), 0x1abcdef3, kDecryptMark});
  CHECK(states.contains({ip("10.0.1.138"), 0x10000283, kDecryptMark}));
  CHECK_FALSE(newer == states.at({ip("10.0.1.138"), 0x10000283, kDecryptMark}));
}

TEST_CASE("epochs: of two senders with one SPI the heard one goes on, else the older is heard") {
  auto inputs = worker();  // control-plane is older than worker2
  inputs.nodes["worker2"].epochs = {kControl};
  const State::Key at{ip("10.0.1.138"), 0x10002343, kDecryptMark};
  CHECK(compute(inputs).state.states.at(at).src == ip("10.0.2.52"));
  inputs.programmed.states[at] = {.src = ip("10.0.0.40")};
  CHECK(compute(inputs).state.states.at(at).src == ip("10.0.0.40"));
}

TEST_CASE("epochs: the younger of two nodes with one SPI looks for another") {
  auto inputs = worker();
  CHECK(contest(inputs) == Contest::none);
  inputs.nodes["worker2"].epochs = {kWorker};
  CHECK(contest(inputs) == Contest::won);
  inputs.nodes["control-plane"].epochs = {kWorker};
  CHECK(contest(inputs) == Contest::lost);
}

TEST_CASE("epochs: the SPI is free, shows the key id, and is another in each life of a node") {
  const auto first = epoch_of(ip("10.0.1.138"), "boot", 0, {});
  CHECK(is_epoch_spi(first.spi));
  CHECK(first.spi_of(3) == first.spi + 3);
  CHECK(first == epoch_of(ip("10.0.1.138"), "boot", 0, {}));
  const std::set<uint32_t> others = {epoch_of(ip("10.0.1.139"), "boot", 0, {}).spi,
                                     epoch_of(ip("fd00:1::8a"), "boot", 0, {}).spi,
                                     epoch_of(ip("10.0.1.138"), "another", 0, {}).spi,
                                     epoch_of(ip("10.0.1.138"), "boot", 1, {}).spi,
                                     epoch_of(ip("10.0.1.138"), "boot", 0, {first.spi}).spi};
  CHECK(others.size() >= 4);  // the last may equal that of generation 1
  for (const auto spi : others) {
    CHECK(spi != first.spi);
    CHECK(is_epoch_spi(spi));
  }
}

}  // namespace pellicle::this_file
