// Unusable input is reported in one sentence, and what worked before keeps working.
#include <algorithm>
#include <filesystem>

#include "tests/harness/api/encoding.h"
#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"
#include "tests/harness/lab/traffic.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;
using Json = nlohmann::ordered_json;

namespace {

// One key for all nodes: most of these cases run a single agent, and a pair's key needs both.
const LabOptions kPlain{.key_line = api::kSeedKeyLine};

constexpr const char* kNodes[] = {"worker", "worker2", "control-plane"};
const std::string kRfc = " rfc4106(gcm(aes)) ";
const std::string kSecretName = "Secret kube-system/cilium-ipsec-keys";
// Another key, and a part of it that a search finds wherever the key was written.
const std::string kOther = "ffeeddccbbaa99887766554433221100aabbccdd";
const std::string kPart = "99887766";

api::ObjectKey secret() {
  return api::secret_key("kube-system", "cilium-ipsec-keys");
}

void add_pods(Lab& lab) {
  lab.add_pod("worker", "net", "10.0.1.52");
  lab.add_pod("worker2", "cni-fcnh6", "10.0.0.249");
  lab.add_pod("control-plane", "cni-cp", "10.0.2.77");
}

// The problem that `status` reports for this object and field; null if there is none.
Json problem(const Json& status, const std::string& object, const std::string& field) {
  for (const auto& each : status["problems"]) {
    if (each["object"] == object && each["field"] == field) return each;
  }
  return nullptr;
}

// Waits until the node's status has this problem with this sentence. Checks the text form for
// people and the JSON form for scripts.
void check_said(Lab& lab, const std::string& node, const std::string& object,
                const std::string& field, const std::string& sentence) {
  const NodeAgent& agent = lab.agent(node);
  Json found;
  const bool said = wait_until([&] {
    found = problem(agent.ask("status"), object, field);
    return !found.is_null() &&
           found["message"].get<std::string>().find(sentence) != std::string::npos;
  });
  CAPTURE(node, object, field, sentence, found.dump());
  CHECK(said);
  if (!said) return;
  CHECK(found["since"].get<std::string>().size() == 20);
  const std::string where = object + (field.empty() ? "" : " " + field) + " since ";
  const std::string text = agent.says();
  CAPTURE(text);
  CHECK(text.find(where) != std::string::npos);
  CHECK(text.find(found["message"].get<std::string>()) != std::string::npos);
  CHECK(text.find("Agent: Degraded") != std::string::npos);
  CHECK(text.find(kPart) == std::string::npos);
}

bool nothing_wrong(Lab& lab, const std::string& node) {
  return wait_until([&] { return lab.agent(node).ctl("status").ok(); });
}

void check_no_key_anywhere(Lab& lab) {
  CHECK(lab.files_with_the_key().empty());
  for (const char* node : kNodes) CHECK(lab.agent(node).log().find(kPart) == std::string::npos);
}

}  // namespace

TEST_CASE("without the Secret pod packets are dropped and counted until it appears") {
  Lab lab(kPlain);
  lab.api().remove(secret());
  lab.start_agents();
  add_pods(lab);
  check_said(lab, "worker", kSecretName, "", "not found; ");
  CHECK_FALSE(lab.ping("net", "10.0.0.249").ok());
  CHECK(lab.agent("worker").ask("status")["drops"]["no_key"]["packets"] == 1);
  const std::string text = lab.agent("worker").says();
  CHECK(text.find("Drops: 1 no_key") != std::string::npos);
  CHECK(text.find("Encryption: no key") != std::string::npos);

  lab.set_key("3" + kRfc + kOther + " 256");
  check_said(lab, "worker", kSecretName, "data.keys", "pod packets to other nodes are dropped");
  CHECK_FALSE(lab.ping("net", "10.0.0.249").ok());

  lab.set_key("3" + kRfc + kOther + " 128");
  for (const char* node : kNodes) CHECK(nothing_wrong(lab, node));
  CHECK(lab.ping("net", "10.0.0.249").ok());
  CHECK(lab.ping("cni-fcnh6", "10.0.2.77").ok());
  CHECK(lab.cleartext().empty());
  check_no_key_anywhere(lab);
}

TEST_CASE("a Secret that cannot be used is said in one sentence and the last key goes on") {
  Lab lab(kPlain);
  lab.start_agents();
  add_pods(lab);
  PingStream there("net", "10.0.0.249");
  PingStream back("cni-cp", "10.0.1.52");
  const std::string id = "word 1: expected a key id from 1 to 15";
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", "it is empty; expected a line such as: 3 rfc4106(gcm(aes)) KEY 128"},
      {"0" + kRfc + kOther + " 128", id},
      {"16" + kRfc + kOther + " 128", id},
      {"x" + kRfc + kOther + " 128", id},
      {"4" + kRfc + kOther.substr(0, 38) + "g0 128",
       "word 3: expected hex digits, but character 39 is none"},
      {"4" + kRfc + kOther + "0 128", "word 3: expected an even number of hex digits, found 41"},
      {"4" + kRfc + kOther.substr(0, 32) + " 128",
       "word 3: expected 20, 28 or 36 bytes (an AES key and 4 bytes of salt), found 16"},
      {"4 gcm(aes) " + kOther + " 128", "word 2: unknown algorithm; expected rfc4106(gcm(aes))"},
      {"4" + kRfc + kOther + " 256", "word 4: expected an ICV length of 96 or 128 bits"},
      {"4++" + kRfc + kOther + " 128", id},
      {"3" + kRfc + kOther + " 128",
       "the key has changed but its id 3 has not; increment the key id; the key before it stays"},
  };
  for (const auto& [line, sentence] : rows) {
    lab.set_key(line);
    check_said(lab, "worker", kSecretName, "data.keys", sentence);
  }
  lab.api().patch(secret(), {{"data", nullptr}});
  check_said(lab, "worker", kSecretName, "data.keys",
             "the field is missing; the last good key stays in use");
  lab.api().remove(secret());
  check_said(lab, "worker", kSecretName, "", "not found; the last good key stays in use");

  CHECK(lab.agent("worker").ask("status")["encryption"]["key"] == 3);
  CHECK(lab.agent("worker").ctl("status").status == 1);
  lab.set_key(api::kSeedKeyLine);
  for (const char* node : kNodes) CHECK(nothing_wrong(lab, node));
  CHECK(there.end() == "");
  CHECK(back.end() == "");
  CHECK(lab.cleartext().empty());
  check_no_key_anywhere(lab);
}

TEST_CASE("a peer's Node that cannot be used costs that Node alone and is named") {
  Lab lab(kPlain);
  lab.start_agents();
  add_pods(lab);
  PingStream steady("net", "10.0.0.249");

  api::Json node = api::node_object(api::kSeedNodes[2]);
  node["metadata"]["name"] = "no-cidr";
  node["status"]["addresses"][0]["address"] = "172.18.0.8";
  node["spec"] = api::Json::object();
  lab.api().create(node);
  check_said(lab, "worker", "Node no-cidr", "spec.podCIDR", "no IPv4 PodCIDR such as 10.0.1.0/24");

  node["metadata"]["name"] = "overlaps";
  node["status"]["addresses"][0]["address"] = "172.18.0.9";
  node["spec"]["podCIDR"] = "10.0.0.128/25";
  lab.api().create(node);
  check_said(lab, "worker", "Node overlaps", "spec.podCIDR",
             "10.0.0.128/25 contradicts PodCIDR 10.0.0.0/24 of Node worker2, which is believed");
  check_said(lab, "worker2", "Node overlaps", "spec.podCIDR", "which is believed");

  const std::string annotation = "network.cilium.io/ipv4-cilium-host";
  CHECK(lab.agent("worker2").stop() == 0);  // else it would restore its annotation at once
  lab.api().patch(api::node_key("worker2"),
                  {{"metadata", {{"annotations", {{annotation, "10.0.0.400"}}}}}});
  check_said(lab, "worker", "Node worker2", "metadata.annotations[" + annotation + "]",
             "the last good value stays in use");
  lab.start_agent("worker2");
  CHECK(wait_until([&] {
    return problem(lab.agent("worker").ask("status"), "Node worker2",
                   "metadata.annotations[" + annotation + "]")
        .is_null();
  }));
  CHECK(lab.ping("net", "10.0.2.77").ok());

  const auto addresses =
      lab.api().get(api::node_key("control-plane")).value()["status"]["addresses"];
  lab.api().patch(api::node_key("control-plane"), {{"status", {{"addresses", nullptr}}}});
  check_said(lab, "worker", "Node control-plane", "status.addresses[InternalIP]",
             "no IPv4 InternalIP; without it there is no way to the Node");
  CHECK_FALSE(lab.ping("net", "10.0.2.77").ok());
  lab.api().patch(api::node_key("control-plane"), {{"status", {{"addresses", addresses}}}});
  CHECK(wait_until([&] { return lab.ping("net", "10.0.2.77").ok(); }));

  for (const char* extra : {"no-cidr", "overlaps"}) lab.api().remove(api::node_key(extra));
  for (const char* each : kNodes) CHECK(nothing_wrong(lab, each));
  CHECK(steady.end() == "");
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("a node's own Node that lost what it needs, or is gone, stops nothing") {
  Lab lab(kPlain);
  lab.start_agents();
  add_pods(lab);
  // The other agents would take a deleted Node for one that left the cluster, so they are stopped
  // here.
  for (const char* other : {"worker2", "control-plane"}) CHECK(lab.agent(other).stop() == 0);
  PingStream steady("net", "10.0.0.249");
  const KernelPicture before = kernel_picture("worker");
  const api::Json node = lab.api().get(api::node_key("worker")).value();
  const std::string meanwhile =
      "; until then only the block policy is added, and what was "
      "programmed before keeps running";

  lab.api().patch(api::node_key("worker"),
                  {{"metadata", {{"annotations", {{"network.cilium.io/ipv4-pod-cidr", nullptr}}}}},
                   {"spec", {{"podCIDR", nullptr}, {"podCIDRs", nullptr}}}});
  check_said(lab, "worker", "Node worker", "spec.podCIDR",
             "no IPv4 PodCIDR; expected one such as 10.0.1.0/24" + meanwhile);
  lab.api().patch(api::node_key("worker"), {{"spec", node["spec"]}});
  CHECK(nothing_wrong(lab, "worker"));

  lab.api().patch(api::node_key("worker"), {{"status", {{"addresses", nullptr}}}});
  check_said(lab, "worker", "Node worker", "status.addresses[InternalIP]", meanwhile);
  lab.api().patch(api::node_key("worker"),
                  {{"status", {{"addresses", node["status"]["addresses"]}}}});
  CHECK(nothing_wrong(lab, "worker"));

  lab.api().remove(api::node_key("worker"));
  check_said(lab, "worker", "Node worker", "", "was deleted; what it said last keeps running");
  CHECK(steady.goes_on());
  CHECK(kernel_picture("worker").text() == before.text());
  lab.api().create(api::node_object(api::kSeedNodes[0]));
  CHECK(nothing_wrong(lab, "worker"));

  CHECK(steady.end() == "");
  CHECK(kernel_picture("worker").text() == before.text());
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("a kernel without ESP is named with what it lacks, and works once it has it") {
  must("rmmod esp4 && mv $(readlink -f /lib/modules/$(uname -r))/kernel/net/ipv4/esp4.ko /run/");
  Lab lab(kPlain);
  lab.agent("worker").start();
  const NodeAgent& agent = lab.agent("worker");
  REQUIRE(wait_until([&] {
    try {
      return !agent.ask("status")["refusals"].empty();
    } catch (const std::exception&) {
      return false;
    }
  }));
  CHECK(agent.ask("status")["ready"] == false);
  CHECK(agent.ctl("status").status == 1);
  const std::string text = agent.says();
  CAPTURE(text);
  CHECK(text.find("the kernel cannot do ESP over IPv4: the module esp4 or xfrm_user is missing; on "
                  "the host run `modprobe -a esp4 xfrm_user`") != std::string::npos);
  // Fails closed meanwhile.
  CHECK(must_in("worker", "ip xfrm policy").find("action block") != std::string::npos);

  must("mv /run/esp4.ko $(readlink -f /lib/modules/$(uname -r))/kernel/net/ipv4/");
  lab.start_agent("worker2");
  lab.start_agent("control-plane");
  CHECK(nothing_wrong(lab, "worker"));
  add_pods(lab);
  CHECK(lab.ping("net", "10.0.0.249").ok());
  CHECK(lab.cleartext().empty());
  CHECK(lab.files_with_the_key().empty());
}

}  // namespace this_file
