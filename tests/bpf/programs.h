// The shipped eBPF programs, loaded into the running kernel with private maps.
#pragma once

#include <linux/pkt_cls.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "bpf/datapath.h"
#include "tests/bpf/packet.h"

struct bpf_object;

namespace pellicle {

// The result of one run of a program.
struct Outcome {
  int verdict = 0;    // TC_ACT_*
  uint32_t mark = 0;  // after the run
  Bytes frame;        // after the run
  bool operator==(const Outcome&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& outcome);

// Dropped frames by reason, without the reasons that dropped none.
struct Dropped {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  bool operator==(const Dropped&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Dropped& dropped);
using Drops = std::map<datapath::drop_reason, Dropped>;

class Programs {
 public:
  Programs();  // loads the embedded object; fails the test if the verifier refuses it

  void configure(const datapath::datapath_config& config);
  void set_peer(const std::string& address, uint32_t prefix_length, uint32_t key_id,
                bool node = false, uint16_t path = 0);
  void set_endpoint(const std::string& address, const datapath::endpoint_value& endpoint);
  // Which node owns the addresses in a network, and the verdict on clear text from them.
  void set_owner(const std::string& address, uint32_t prefix_length, const std::string& router,
                 datapath::clear_text to_pods = datapath::CLEAR_PASSES,
                 datapath::clear_text to_node = datapath::CLEAR_PASSES);
  // Allows the pod behind the device to send from this network as well.
  void set_source(uint32_t ifindex, const std::string& address, uint32_t prefix_length);

  // Leave the turn as it is: until end_turn() a CPU may go by what it found before.
  void remove_endpoint(const std::string& address);
  void remove_owner(const std::string& address, uint32_t prefix_length);
  void end_turn();  // the set_ functions do so themselves

  // Runs a program once (BPF_PROG_TEST_RUN) on a frame that arrived through `ifindex`, by default
  // the loopback device.
  Outcome run(const std::string& program, const Bytes& frame, uint32_t mark = 0,
              uint32_t ifindex = 1) const;
  // Runs a program twice on the same packet, as a filter behind tcx does. Returns the second
  // outcome.
  Outcome run_twice(const std::string& program, const Bytes& frame, uint32_t mark) const;
  // Runs once; nullopt if the kernel refuses the frame as too short or too long.
  std::optional<Outcome> try_run(const std::string& program, const Bytes& frame, uint32_t mark = 0,
                                 uint32_t ifindex = 1, int times = 1) const;
  Drops drops() const;  // so far, summed over all CPUs
  // Packets with another node's address, so far.
  Dropped forged(datapath::forgery_kind kind, const std::string& sender,
                 const std::string& owner) const;

  void attach(const std::string& program, const std::string& device, bool ingress) const;
  bpf_object* object() const { return object_.get(); }

 private:
  int map(const char* name) const;
  struct Close {
    void operator()(bpf_object* object) const;
  };
  std::unique_ptr<bpf_object, Close> object_;
};

// Node worker of the contract: PodCIDRs 10.0.1.0/24 and fd00:10:1::/64, routers 10.0.1.138 and
// fd00:10:1::8a, and the given device numbers.
datapath::datapath_config worker(uint32_t host_ifindex = 11, uint32_t net_ifindex = 12,
                                 uint32_t uplink_ifindex = 13);

// Configured as worker. worker2 (10.0.0.0/24 and fd00:10::/64) is a peer with key 3; the node of
// 10.0.2.0/24 and fd00:10:2::/64 is a peer without a key yet.
Programs configured(const datapath::datapath_config& config = worker());

}  // namespace pellicle
