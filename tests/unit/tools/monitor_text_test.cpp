#include "tools/ctl/monitor_text.h"

#include <nlohmann/json.hpp>

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::ctl;
using Json = nlohmann::ordered_json;

namespace {

DatapathEvent event(EventKind kind, const std::string& source, const std::string& destination,
                    uint8_t protocol) {
  return {.time = std::chrono::system_clock::time_point(std::chrono::seconds(1795680314) +
                                                        std::chrono::microseconds(7042)),
          .kind = kind,
          .reason = {},
          .ethertype = 0x0800,
          .source = IpAddress::parse(source),
          .destination = IpAddress::parse(destination),
          .protocol = protocol,
          .ports = {},
          .length = 98,
          .key_id = {},
          .spi = {},
          .device = "lxc0123456789ab"};
}

DatapathEvent tcp() {
  auto made = event(EventKind::marked, "10.0.1.52", "10.0.0.249", 6);
  made.ports = {.source = 45678, .destination = 80};
  made.key_id = 3;
  return made;
}

DatapathEvent esp() {
  auto made = event(EventKind::encrypted, "10.0.1.138", "10.0.0.40", 50);
  made.spi = 0x10a00283;
  made.key_id = 3;
  made.length = 154;
  made.device = "cilium_net";
  return made;
}

}  // namespace

TEST_CASE("monitor text: a line for each kind of event") {
  CHECK(monitor_text(tcp()) ==
        "08:05:14.007 marked    tcp 10.0.1.52:45678 > 10.0.0.249:80 98B key 3 lxc0123456789ab");
  CHECK(monitor_text(esp()) ==
        "08:05:14.007 encrypted esp 10.0.1.138 > 10.0.0.40 154B spi 0x10a00283 cilium_net");
  auto dropped = event(EventKind::dropped, "10.0.1.52", "10.0.2.77", 1);
  dropped.reason = "no_key";
  CHECK(monitor_text(dropped) ==
        "08:05:14.007 dropped   icmp 10.0.1.52 > 10.0.2.77 98B no_key lxc0123456789ab");
  CHECK(monitor_text(event(EventKind::delivered, "10.0.0.249", "10.0.1.52", 89)) ==
        "08:05:14.007 delivered 89 10.0.0.249 > 10.0.1.52 98B lxc0123456789ab");
}

TEST_CASE("monitor text: IPv6 with ports has brackets") {
  auto made = event(EventKind::decrypted, "fd00:10::f9", "fd00:10:1::34", 17);
  made.ports = {.source = 53, .destination = 1053};
  made.device = "eth0";
  CHECK(monitor_text(made) ==
        "08:05:14.007 decrypted udp [fd00:10::f9]:53 > [fd00:10:1::34]:1053 98B eth0");
}

TEST_CASE("monitor text: what cannot be read is said as far as it is known") {
  auto made = event(EventKind::dropped, "", "", 0);
  made.protocol.reset();
  made.ethertype = 0x8100;
  made.reason = "tagged";
  CHECK(monitor_text(made) == "08:05:14.007 dropped   ethertype 0x8100 98B tagged lxc0123456789ab");
  made = event(EventKind::dropped, "fd00:10:1::34", "fd00:10::f9", 0);
  made.protocol.reset();
  made.reason = "malformed";
  CHECK(monitor_text(made) ==
        "08:05:14.007 dropped   ? fd00:10:1::34 > fd00:10::f9 98B malformed lxc0123456789ab");
}

TEST_CASE("monitor text: on a narrow terminal the device is what is left out") {
  CHECK(monitor_text(tcp(), 80) ==
        "08:05:14.007 marked    tcp 10.0.1.52:45678 > 10.0.0.249:80 98B key 3");
  CHECK(monitor_text(esp(), 80) == monitor_text(esp()));
  CHECK(monitor_text(esp(), 79).find("cilium_net") == std::string::npos);
  CHECK(monitor_text(tcp(), 84) == monitor_text(tcp()));
}

TEST_CASE("monitor text: as JSON it has what is known, and no more") {
  const auto json = Json::parse(monitor_json(tcp()));
  CHECK(json.dump() ==
        R"({"time":"2026-11-26T08:05:14.007042000Z","type":"marked","source":"10.0.1.52",)"
        R"("destination":"10.0.0.249","protocol":"tcp","sourcePort":45678,"destinationPort":80,)"
        R"("length":98,"key":3,"device":"lxc0123456789ab"})");
  CHECK(Json::parse(monitor_json(esp()))["spi"] == "0x10a00283");
  auto made = event(EventKind::dropped, "", "", 0);
  made.reason = "malformed";
  made.protocol.reset();
  CHECK(Json::parse(monitor_json(made)).dump() ==
        R"({"time":"2026-11-26T08:05:14.007042000Z","type":"dropped","reason":"malformed",)"
        R"("ethertype":"0x0800","length":98,"device":"lxc0123456789ab"})");
  CHECK(monitor_json(esp()).find('\n') == std::string::npos);
}

}  // namespace this_file
