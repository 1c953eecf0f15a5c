// Random histories: no pair of key and sequence number repeats, and receivers can decrypt all.
#include "tests/harness/catch.h"
#include "tests/harness/length.h"
#include "tests/unit/keys/history.h"

namespace this_file {

using namespace pellicle;

namespace {

constexpr int kEvents = 150;

}  // namespace

TEST_CASE("histories: no key and number come twice, and what is sent can be decrypted") {
  const uint64_t cases = length(12, 60);
  size_t sent = 0;
  size_t dropped = 0;
  for (uint64_t seed = 1; seed <= cases; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    History history(random, 3);
    for (int i = 0; i < kEvents; ++i) {
      INFO("event " << i);
      history.happen();
      history.send_everywhere();
    }
    history.settle();
    const auto before = history.dropped();
    history.send_everywhere();
    CHECK(history.dropped() == before);
    CHECK(history.key_ids() == std::set<uint8_t>{history.key()->id});
    sent += history.sent();
    dropped += before;
  }
  CHECK(sent > cases * kEvents * 3);  // most of them are delivered
  INFO(dropped << " of " << sent << " dropped");
}

TEST_CASE("histories: rotations alone drop nothing at all") {
  Random random(7);
  History history(random, 4);
  history.settle();
  history.send_everywhere();
  const auto before = history.dropped();
  for (size_t rotation = 0; rotation < length(15, 40); ++rotation) {
    history.new_key();
    for (int i = 0; i < 12; ++i) {
      auto& node = history.nodes()[random.below(history.nodes().size())];
      if (random.chance(20)) history.restart(node);
      history.hear_and_pass(node);
      history.send_everywhere();
    }
    if (rotation % 3 == 0) history.settle();
  }
  history.settle();
  CHECK(history.dropped() == before);
  CHECK(history.key_ids() == std::set<uint8_t>{history.key()->id});
}

TEST_CASE("histories: a Node that leaves and returns makes no other node begin an epoch") {
  Random random(11);
  History history(random, 8);
  history.settle();
  history.send_everywhere();
  const auto epochs = [&] {
    std::vector<std::vector<Epoch>> all;
    for (const auto& node : history.nodes()) all.push_back(node.agent->keys.epochs());
    return all;
  };
  const auto before = epochs();
  const auto announced = history.announced();
  for (int i = 0; i < 3; ++i) {
    history.remove_node(history.nodes()[2]);
    for (auto& node : history.nodes()) history.hear_and_pass(node);
    if (i == 1) history.restart(history.nodes()[5]);  // while the Node is gone
    history.add_node(history.nodes()[2]);
    history.settle();
    const auto dropped = history.dropped();
    history.send_everywhere();
    CHECK(history.dropped() == dropped);
    CHECK(epochs() == before);
  }
  CHECK(history.announced() - announced <= 3 * 2);
}

}  // namespace this_file
