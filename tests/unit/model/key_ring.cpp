#include "agent/model/key_ring.h"

#include "tests/harness/catch.h"
#include "tests/harness/seed_inputs.h"

namespace this_file {

using namespace pellicle;
using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 300s;

IpsecKey key(uint8_t id, uint8_t fill = 0) {
  return {.id = id, .algorithm = seed::gcm(fill ? fill : id), .per_pair = true};
}

// A cluster with two other nodes, and a clock.
struct Observer {
  KeyRing ring;
  KeyRing::Observation seen{
      .now = KeyRing::Time(1000s),
      .announced = {{"worker", uint8_t{3}}, {"worker2", uint8_t{3}}, {"control-plane", uint8_t{3}}},
      .received = {}};

  void all_announce(uint8_t id) {
    for (auto& [name, announced] : seen.announced) announced = id;
  }
  std::vector<IpsecKey> after(std::chrono::seconds time) {
    seen.now += time;
    return ring.retire(seen, kPatience);
  }
};

Observer rotating() {
  Observer world;
  world.ring.take(key(3));
  world.ring.take(key(4));
  return world;
}

}  // namespace

TEST_CASE("key ring: an older key goes once all have announced a newer one for a while") {
  auto world = rotating();
  CHECK(world.ring.newest() == key(4));
  CHECK(world.ring.older() == std::vector{key(3)});
  CHECK(world.after(0s).empty());
  CHECK(world.after(400s).empty());  // no node has announced anything
  CHECK(world.ring.lacking(3) == std::vector<std::string>{"control-plane", "worker", "worker2"});
  world.all_announce(4);
  CHECK(world.after(1s).empty());
  world.after(1s);
  CHECK(world.ring.lacking(3).empty());
  CHECK(world.after(297s).empty());
  CHECK(world.after(1s) == std::vector{key(3)});
  CHECK_FALSE(world.ring.rotating());
  CHECK(world.ring.newest() == key(4));
}

TEST_CASE("key ring: an older key stays for as long as something is received with it") {
  auto world = rotating();
  world.all_announce(4);
  world.after(0s);
  for (uint64_t packets = 1; packets < 10; ++packets) {
    world.seen.received[3] = packets;
    CHECK(world.after(200s).empty());
  }
  CHECK(world.after(299s).empty());
  CHECK(world.after(1s) == std::vector{key(3)});
}

TEST_CASE("key ring: one node that never announces the new key keeps the old one, by name") {
  auto world = rotating();
  world.all_announce(4);
  for (const auto& behind :
       {std::optional<uint8_t>(3), std::optional<uint8_t>(9), std::optional<uint8_t>()}) {
    world.seen.announced["worker2"] = behind;
    CHECK(world.after(1000s).empty());
    CHECK(world.ring.lacking(3) == std::vector<std::string>{"worker2"});
  }
  world.seen.announced.erase("worker2");  // it leaves the cluster
  CHECK(world.after(1s).empty());
  CHECK(world.after(300s) == std::vector{key(3)});
}

TEST_CASE("key ring: a second rotation during the first, and each key goes when it may") {
  auto world = rotating();
  CHECK(world.ring.take(key(5)).empty());
  CHECK(world.ring.older() == std::vector{key(3), key(4)});
  world.all_announce(5);
  world.seen.announced["worker2"] = 4;
  world.after(0s);
  CHECK(world.after(300s) == std::vector{key(3)});
  CHECK(world.ring.lacking(4) == std::vector<std::string>{"worker2"});
  world.all_announce(5);
  world.after(1s);
  CHECK(world.after(300s) == std::vector{key(4)});
}

TEST_CASE("key ring: ids go round from 15 to 1, and one in use is not free") {
  auto world = rotating();
  for (uint8_t id = 5; id <= 15; ++id) CHECK(world.ring.take(key(id)).empty());
  CHECK(world.ring.take(key(1)).empty());
  CHECK(world.ring.take(key(2)).empty());
  const auto reason = world.ring.take(key(3, 77));
  CHECK(reason.find("key id 3 is still in use with another key") == 0);
  CHECK(world.ring.newest() == key(2));
  world.all_announce(2);
  world.after(0s);
  world.after(1s);
  CHECK(world.after(300s).size() == 14);
  CHECK(world.ring.take(key(3, 77)).empty());
  CHECK(world.ring.newest() == key(3, 77));
}

TEST_CASE("key ring: a key that was put back before it retired is the newest again") {
  auto world = rotating();
  CHECK(world.ring.take(key(3)).empty());
  CHECK(world.ring.newest() == key(3));
  CHECK(world.ring.older() == std::vector{key(4)});
  world.all_announce(3);
  world.after(0s);
  world.after(1s);
  CHECK(world.after(300s) == std::vector{key(4)});
}

TEST_CASE("key ring: after a restart the ids in the kernel go on, beside the Secret's key") {
  KeyRing ring;
  ring.resume({}, {3, 4});
  CHECK(ring.rotating());
  CHECK_FALSE(ring.empty());
  CHECK(ring.take(key(4)).empty());
  CHECK(ring.inherited() == std::set<uint8_t>{3});
  CHECK(ring.take(key(3)).find("key id 3 is still in use from before the agent's restart") == 0);
  Observer world{.ring = ring};
  world.seen.received[3] = 7;
  world.all_announce(4);
  world.after(0s);
  world.after(1s);
  CHECK(world.after(300s).empty());  // its bytes are unknown, but it is gone
  CHECK_FALSE(world.ring.rotating());

  KeyRing nothing_left;
  nothing_left.resume({}, {3});
  nothing_left.take(key(4));
  nothing_left.retire({}, kPatience);
  CHECK_FALSE(nothing_left.rotating());

  KeyRing one;
  one.resume({key(3)}, {});
  CHECK(one.newest() == key(3));
}

}  // namespace this_file
