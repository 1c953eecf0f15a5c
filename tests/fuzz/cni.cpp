// A container runtime's input to the plugin: CNI_COMMAND, CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME
// and CNI_ARGS, one per line, then stdin.
#include "tests/fuzz/fuzz.h"
#include "tools/cni/plugin.h"
#include "tools/cni/request.h"
#include "tools/cni/result.h"

using namespace pellicle::cni;
using namespace pellicle::fuzz;

namespace {

void check_params(const Request& request) {
  expect(request.socket.starts_with('/') && request.socket.size() < 108, "the socket can be named");
  const auto line = Json{{"method", request.method}, {"params", request.params}}.dump();
  expect(line.find('\n') == std::string::npos, "a request is one line");
  if (request.verb != Verb::add) return;
  const auto pod = Json::parse(R"({"id":"c:eth0","device":"lxc1","mac":"02:00:00:00:00:01",
    "hostMac":"02:00:00:00:00:02","linkMtu":1500,"routeMtu":1423,
    "addresses":[{"address":"10.0.1.52","gateway":"10.0.1.138"}]})");
  const auto result = add_result(request, pod);
  expect(result.at("cniVersion") == request.version, "the result is in the version asked for");
}

void check_error(const std::string& input, const Failure& failure) {
  const auto answer = error_answer(input, failure);
  expect(answer.status == 1, "an error is not success");
  const auto error = Json::parse(answer.text);
  expect(error.at("code").is_number() && !error.at("msg").get<std::string>().empty(),
         "an error has its number and sentence");
}

void check(const Environment& environment, const std::string& input) {
  try {
    const auto asked = request(environment, input);
    if (asked.verb == Verb::version) {
      (void)version_result(asked);
    } else {
      check_params(asked);
    }
  } catch (const Failure& failure) {  // any other exception becomes "unexpected error"
    check_error(input, failure);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = text_of(data, size);
  std::string_view rest = text;
  Environment environment;
  for (auto* each : {&environment.command, &environment.container_id, &environment.netns,
                     &environment.ifname, &environment.args}) {
    *each = take_line(rest);
    each->resize(std::min(each->find('\0'), each->size()));  // an environment variable ends at NUL
  }
  const std::string input(rest);
  check(environment, input);
  for (const char* verb : {"ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"}) {
    check({.command = verb,
           .container_id = "c0ffee",
           .netns = "/run/netns/pod",
           .ifname = "eth0",
           .args = ""},
          input);
  }
  return 0;
}
