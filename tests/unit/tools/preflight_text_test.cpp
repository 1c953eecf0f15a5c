#include "tools/ctl/preflight_text.h"

#include <sstream>

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle::ctl;
using Json = nlohmann::ordered_json;

namespace {

const Json kPreflight = Json::parse(R"json({
  "kernel": "6.1.0", "verdict": "fail", "hopeless": false,
  "counts": {"ok": 1, "unknown": 1, "warn": 0, "fail": 1},
  "findings": [
    {"topic": "Kernel", "what": "release", "found": "6.1.0-57-amd64", "verdict": "ok"},
    {"topic": "Kernel", "what": "module esp4", "verdict": "fail",
     "found": "/etc/modprobe.d/esp.conf, line 2, forbids the module esp4",
     "remedy": "take that line away on the host and run `modprobe esp4`"},
    {"topic": "Kubernetes API", "what": "list secrets/cilium-ipsec-keys in kube-system",
     "found": "not known: 403 Forbidden", "verdict": "unknown", "remedy": "let every account ask"},
    {"topic": "Ciphers", "what": "rfc4106(gcm(aes))", "verdict": "ok",
     "found": "driver rfc4106(gcm_base(ctr(aes-generic),ghash-generic))"}]})json");

}  // namespace

TEST_CASE("preflight text: a line for each finding under its topic, and what follows from all") {
  CHECK(preflight_text(kPreflight, false) ==
        "Kernel\n"
        "  ok       release                  6.1.0-57-amd64\n"
        "  fail     module esp4              /etc/modprobe.d/esp.conf, line 2, forbids\n"
        "                                    the module esp4\n"
        "                                    -> take that line away on the host and run\n"
        "                                    `modprobe esp4`\n"
        "Kubernetes API\n"
        "  unknown  list secrets/cilium-ipsec-keys in kube-system\n"
        "                                    not known: 403 Forbidden\n"
        "                                    -> let every account ask\n"
        "Ciphers\n"
        "  ok       rfc4106(gcm(aes))\n"
        "           driver rfc4106(gcm_base(ctr(aes-generic),ghash-generic))\n"
        "1 ok, 1 unknown, 0 warn, 1 fail: put right what fails before Pellicle is to work\n"
        "here\n");
}

TEST_CASE("preflight text: colours take no columns, and no line has more than 80") {
  const auto painted = preflight_text(kPreflight, true);
  CHECK(painted.find("\033[31mfail     \033[0mmodule esp4 ") != painted.npos);
  CHECK(painted.find("\033[32mok       \033[0m") != painted.npos);
  std::istringstream lines(preflight_text(kPreflight, false));
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 80);
}

TEST_CASE("preflight text: what follows is said by the worst finding") {
  const auto last = [](const char* verdict, bool hopeless) {
    const auto text = preflight_text({{"verdict", verdict},
                                      {"hopeless", hopeless},
                                      {"counts", {{"ok", 2}}},
                                      {"findings", Json::array()}},
                                     false);
    return text.substr(text.find(": ") + 2);
  };
  CHECK(last("ok", false) == "this node is ready for Pellicle\n");
  CHECK(last("warn", false) == "nothing that is known keeps Pellicle from working here\n");
  CHECK(last("unknown", false) == last("warn", false));
  CHECK(last("fail", true) == "no agent can work on this node\n");
}

}  // namespace this_file
