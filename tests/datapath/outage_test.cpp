// The API server may be away and the Secret unusable: what is programmed stays, restarts included.
#include "tests/datapath/restarts.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using namespace pellicle::lab::restarts;

namespace {

const api::ObjectKey kSecret = api::secret_key("kube-system", "cilium-ipsec-keys");

bool status_says(Lab& lab, const std::string& node, const std::string& sentence) {
  return lab.agent(node).ask("status").dump().find(sentence) != std::string::npos;
}

bool answers(Lab& lab, const std::string& node) {
  return wait_until([&] {
    try {
      return lab.agent(node).ask("status").is_object();
    } catch (const ctl::Unreachable&) {
      return false;
    }
  });
}

}  // namespace

TEST_CASE("an API outage loses no packet, and what changed meanwhile is caught up with") {
  Cluster cluster;
  Lab& lab = cluster.lab;
  const auto births = births_everywhere();
  const api::Json joining = api::node_object({"worker3", "172.18.0.5", "10.0.3.0/24", "10.0.3.17",
                                              "44444444-4444-4444-4444-444444444444"});
  lab.api().go_away();
  cluster.check_pings_go_on("the API is away");
  for (const std::string& node : kNodes) {
    CHECK(wait_until([&] { return status_says(lab, node, "\"healthy\":false"); }));
  }
  lab.api().create(joining);
  lab.api().come_back();
  for (const std::string& node : kNodes) {
    CHECK(wait_until([&] { return has_peer(lab, node, "worker3"); }, 40s));
  }
  lab.api().go_away();
  for (const std::string& node : kNodes) {
    lab.agent(node).kill();
    lab.agent(node).start();
    CHECK(answers(lab, node));
  }
  cluster.check_pings_go_on("agents were restarted without an API");
  // The joining node has announced no boot id, so there is no key for it.
  CHECK(births_of_states("worker").size() == births.at("worker").size());
  lab.api().remove(api::node_key("worker3"));
  lab.api().come_back();
  for (const std::string& node : kNodes) {
    CAPTURE(node);
    CHECK(lab.agent(node).wait_ready(40s));
    CHECK_FALSE(has_peer(lab, node, "worker3"));
    CHECK(nothing_to_do(lab, node));
  }
  CHECK(births_everywhere() == births);
  cluster.check_all_arrived();
}

TEST_CASE("a restart with the Secret deleted or replaced by garbage goes on with the key in use") {
  Cluster cluster;
  Lab& lab = cluster.lab;
  const auto births = births_everywhere();
  const auto restart_without = [&](const std::string& sentence) {
    CAPTURE(sentence);
    CHECK(wait_until([&] { return status_says(lab, "worker2", sentence); }));
    lab.agent("worker").stop();
    lab.start_agent("worker");
    CHECK(wait_until([&] { return status_says(lab, "worker", sentence); }));
    CHECK(lab.agent("worker").ask("status")["encryption"]["key"] == 3);
    CHECK(lab.agent("worker").ctl("status").status == 1);
    CHECK(nothing_to_do(lab, "worker"));
    cluster.check_pings_go_on(sentence);
  };
  lab.api().remove(kSecret);
  restart_without("not found; the last good key stays in use");
  lab.api().create(api::key_secret("no key at all"));
  restart_without("word 1: expected a key id from 1 to 15; the last good key stays in use");
  lab.api().update(api::key_secret());  // the same id, as one key for all nodes
  restart_without("increment the key id");
  lab.api().update(api::key_secret(pair_key_line()));
  for (const std::string& node : kNodes) {
    CAPTURE(node);
    CHECK(wait_until([&] { return lab.agent(node).ctl("status").ok(); }));
  }
  CHECK(births_everywhere() == births);
  cluster.check_all_arrived();
}

}  // namespace this_file
