// Unusable settings are reported in one sentence.
#include <algorithm>

#include "tests/harness/catch.h"
#include "tests/harness/lab/lab.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::lab;

namespace {

// One key for all nodes: a single agent runs, and a pair's key needs both.
const LabOptions kPlain{.key_line = api::kSeedKeyLine};

// Runs a second agent on worker, with good values for every option that `arguments` does not name.
Result run_agent(Lab& lab, const std::string& arguments, const std::string& wrapper = "") {
  std::string command = "timeout 10 " + wrapper + program("pellicle-agent") + " " + arguments;
  for (const std::string flag :
       {"--node-name worker", "--log-format text", "--kubeconfig /run/lab/worker/kubeconfig",
        "--state-dir /run/lab/other", "--bpf-root /sys/fs/bpf/other"}) {
    if (arguments.find(flag.substr(0, flag.find(' '))) == arguments.npos) command += " " + flag;
  }
  return lab.in_node("worker", command);
}

size_t lines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

void check_refused(Lab& lab, const std::string& arguments, int status,
                   const std::string& sentence) {
  const Result result = run_agent(lab, arguments);
  CAPTURE(arguments, result.output);
  CHECK(result.status == status);
  CHECK(result.output.find(sentence) != std::string::npos);
  CHECK(lines(result.output) == 1);
}

}  // namespace

TEST_CASE("bad values of the configuration end the agent with one sentence that names them") {
  Lab lab(kPlain);
  lab.start_agent("worker");
  const std::string socket = lab.agent("worker").socket();
  const KernelPicture before = kernel_picture("worker");
  write_file("/run/lab/bad.conf", "node-name = \"worker\"\nno-such-setting = 1\n");

  check_refused(lab, "--pod-mtu 70000", 2, "--pod-mtu");
  check_refused(lab, "--pod-mtu much", 2, "--pod-mtu");
  check_refused(lab, "--strict-cidr 10.0.0.0/33", 2, "--strict-cidr");
  check_refused(lab, "--resync-seconds 86401", 2, "--resync-seconds");
  check_refused(lab, "--log-level loud", 2, "--log-level");
  check_refused(lab, "--log-format xml", 2, "--log-format: xml not in {json,text}");
  check_refused(lab, "--uplink name-of-a-device-too-long", 2, "--uplink");
  check_refused(lab, "--socket relative.sock", 2, "--socket");
  check_refused(lab, "--no-such-flag", 2, "--no-such-flag");
  check_refused(lab, "--config /run/lab/bad.conf", 2,
                "the --config file has a setting that does not exist: no-such-setting");
  check_refused(lab, "--config /run/lab/none.conf", 2, "/run/lab/none.conf");
  check_refused(lab, "--kubeconfig /run/lab/none", 1, "/run/lab/none");
  check_refused(lab, "--kubeconfig /run/lab/bad.conf", 1, "/run/lab/bad.conf is not a kubeconfig");
  check_refused(lab, "--state-dir /proc/none", 1, "state-dir /proc/none");
  check_refused(lab, "--socket " + socket, 1, "another agent is answering on it");

  const Result unprivileged = run_agent(lab, "", "setpriv --bounding-set=-net_admin ");
  CAPTURE(unprivileged.output);
  CHECK(unprivileged.status == 1);
  CHECK(unprivileged.output.find("CAP_NET_ADMIN") != std::string::npos);
  CHECK(lines(unprivileged.output) == 1);

  CHECK(lab.agent("worker").ctl("status").ok());
  CHECK(kernel_picture("worker").text() == before.text());
  CHECK(lab.files_with_the_key().empty());
}

TEST_CASE("what an agent only finds out while it runs is in its status") {
  Lab lab(kPlain);
  const NodeAgent& agent = lab.agent("worker");
  lab.agent("worker").start("uplink = \"nosuch0\"\n");
  const auto says = [&](const std::string& sentence) {
    return wait_until([&] { return agent.says().find(sentence) != std::string::npos; });
  };
  CHECK(says("Configuration uplink since "));
  CHECK(says("no device nosuch0 with an IP address on this host"));
  CHECK(agent.ctl("status").status == 1);
  lab.agent("worker").stop();

  const std::vector<std::string> flags = {
      program("pellicle-agent"),    "--node-name", "worker",          "--kubeconfig",
      "/run/lab/worker/kubeconfig", "--state-dir", agent.state_dir(), "--bpf-root"};
  const std::string log = lab.log_dir() + "/other-agent.log";
  std::vector<std::string> command = flags;
  command.emplace_back("/run/lab/no-bpf");
  Process misplaced(command, log, "worker");
  CHECK(says("/run/lab/no-bpf"));
  INFO(agent.says());
  CHECK(says("Problems: 1 refused since "));
  CHECK(says("/run/lab is not on a bpf file system (mount -t bpf bpf /sys/fs/bpf) add "));
  CHECK(agent.ctl("status").status == 1);
  misplaced.stop();

  command = {"setpriv", "--bounding-set=-bpf,-sys_admin"};
  command.insert(command.end(), flags.begin(), flags.end());
  command.emplace_back("/sys/fs/bpf/worker");
  Process unprivileged(command, log, "worker");
  CHECK(
      says("load the eBPF programs: Operation not permitted (this needs CAP_BPF and "
           "CAP_NET_ADMIN); what is programmed keeps running, and it is tried again Agent: "
           "Degraded"));
  INFO(agent.says());
  CHECK(agent.ctl("status").status == 1);
}

}  // namespace this_file
