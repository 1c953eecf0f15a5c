#include "tools/ctl/encrypt_text.h"

#include <sstream>

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle::ctl;
using Json = nlohmann::ordered_json;

namespace {

Json state(const std::string& direction, const std::string& peer, const std::string& src,
           const std::string& dst) {
  Json json{{"direction", direction}};
  if (!peer.empty()) json["peer"] = peer;
  json.update({{"src", src},
               {"dst", dst},
               {"spi", 3},
               {"keyId", 3},
               {"algorithm", "rfc4106(gcm(aes)) 128"},
               {"esn", false},
               {"replayWindow", 0},
               {"sequence", 0},
               {"lastSequence", 0xffffffffULL},
               {"packets", 0},
               {"bytes", 0},
               {"added", "2026-11-23T08:00:00Z"},
               {"replayed", 0},
               {"outsideWindow", 0},
               {"integrityFailed", 0},
               {"stale", false}});
  return json;
}

Json plain() {
  auto out = state("out", "worker2", "10.0.1.138", "10.0.0.40");
  out.update({{"sequence", 0x1e3},
              {"packets", 483},
              {"bytes", 40572},
              {"lastUsed", "2026-11-23T08:10:00Z"}});
  return {{"mode", "IPsec"},
          {"time", "2026-11-23T08:10:07Z"},
          {"interfaces", {"eth0"}},
          {"keysInUse", 1},
          {"errors", {{"XfrmInNoStates", 0}, {"XfrmOutNoStates", 0}}},
          {"states",
           {state("in", "", "0.0.0.0", "10.0.1.138"), out,
            state("out", "control-plane", "10.0.1.138", "10.0.2.52")}}};
}

// A peer with keys of its own, in both directions, with ESN.
Json pair() {
  auto json = plain();
  auto out = state("out", "worker2", "10.0.1.138", "10.0.0.40");
  out.update({{"spi", 0x10a00283},
              {"esn", true},
              {"sequence", 0x1f00000000ULL},
              {"lastSequence", UINT64_MAX}});
  auto in = state("in", "worker2", "10.0.0.40", "10.0.1.138");
  in.update({{"spi", 0x10a01283},
             {"replayWindow", 1024},
             {"sequence", 7},
             {"lastSequence", UINT64_MAX},
             {"replayed", 2},
             {"outsideWindow", 1},
             {"integrityFailed", 3}});
  json["states"] = {out, in};
  return json;
}

bool fits_80_columns(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.size() > 80) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("encrypt text: Cilium's lines, then what each peer's states counted") {
  const auto text = encrypt_text(plain(), false);
  CHECK(text ==
        "Encryption: IPsec\n"
        "Decryption interface(s): eth0\n"
        "Keys in use: 1\n"
        "Max Seq. Number: 0x1e3/0xffffffff\n"
        "Errors: 0\n"
        "Key ids: 3\n"
        "all peers\n"
        "  in   spi 0x00000003, key 3, no replay window\n"
        "       0.0.0.0 > 10.0.1.138, rfc4106(gcm(aes)) 128\n"
        "       0 packets, 0 bytes; never used, since 2026-11-23T08:00:00Z; 0 replayed, 0\n"
        "       too old, 0 failed integrity\n"
        "control-plane\n"
        "  out  spi 0x00000003, key 3, seq 0x0/0xffffffff (0.0%)\n"
        "       10.0.1.138 > 10.0.2.52, rfc4106(gcm(aes)) 128\n"
        "       0 packets, 0 bytes; never used, since 2026-11-23T08:00:00Z\n"
        "worker2\n"
        "  out  spi 0x00000003, key 3, seq 0x1e3/0xffffffff (0.0%)\n"
        "       10.0.1.138 > 10.0.0.40, rfc4106(gcm(aes)) 128\n"
        "       483 packets, 40572 bytes; last used 2026-11-23T08:10:00Z, since\n"
        "       2026-11-23T08:00:00Z\n");
  CHECK(fits_80_columns(text));
  auto json = plain();
  json["states"][1].erase("lastUsed");
  json["states"][1]["firstUsed"] = "2026-11-23T08:01:00Z";
  CHECK(encrypt_text(json, false).find("40572 bytes; first used 2026-11-23T08:01:00Z, since") !=
        std::string::npos);
}

TEST_CASE("encrypt text: errors are counted, and each that happened is named") {
  auto json = plain();
  json["errors"] = {{"XfrmInNoStates", 2}, {"XfrmInStateProtoError", 40}, {"XfrmOutNoStates", 0}};
  const auto text = encrypt_text(json, false);
  CHECK(text.find("Errors: 42\n\tXfrmInNoStates: 2\n\tXfrmInStateProtoError: 40\nKey ids: 3\n") !=
        std::string::npos);
}

TEST_CASE("encrypt text: a state per direction, with ESN, and what was thrown away") {
  const auto text = encrypt_text(pair(), false);
  CHECK(text.find("Max Seq. Number: 0x1f00000000/0xffffffffffffffff\n") != std::string::npos);
  CHECK(text.find("  in   spi 0x10a01283, key 3, seq 0x7/0xffffffffffffffff\n") !=
        std::string::npos);
  CHECK(text.find("2 replayed, 1\n       too old, 3 failed integrity\n") != std::string::npos);
  CHECK(fits_80_columns(text));
}

TEST_CASE("encrypt text: sequence numbers are compared as the numbers they are") {
  auto json = plain();
  json["states"][1]["sequence"] = 0x9ULL;
  json["states"][2]["sequence"] = 0x10ULL;  // as text, "0x9" is the greater
  CHECK(encrypt_json(json)["ipsec"]["max-seq-number"] == "0x10/0xffffffff");
  // 32-bit numbers near their end come before 64-bit ones that have hardly begun.
  auto esn = pair()["states"][0];
  json["states"].push_back(esn);
  CHECK(encrypt_json(json)["ipsec"]["max-seq-number"] == "0x1f00000000/0xffffffffffffffff");
  json["states"][2]["sequence"] = 0xff000000ULL;
  CHECK(encrypt_json(json)["ipsec"]["max-seq-number"] == "0xff000000/0xffffffff");
}

TEST_CASE("encrypt text: what somebody must look at comes first, and few are shown") {
  auto json = plain();
  json["states"] = Json::array();
  for (int i = 0; i < 12; ++i) {
    json["states"].push_back(
        state("out", "peer" + std::to_string(10 + i), "10.0.1.138", "10.0.0." + std::to_string(i)));
  }
  json["states"][11]["stale"] = true;
  auto text = encrypt_text(json, false);
  CHECK(text.find("\npeer21\n") < text.find("\npeer10\n"));
  CHECK(text.find("stale: no Node accounts for it") != std::string::npos);
  CHECK(text.find("\npeer16\n") != std::string::npos);
  CHECK(text.find("\npeer17\n") == std::string::npos);
  CHECK(text.find("... 4 more with --verbose\n") != std::string::npos);
  text = encrypt_text(json, true);
  CHECK(text.find("\npeer20\n") != std::string::npos);
  CHECK(text.find("more with") == std::string::npos);
}

TEST_CASE("encrypt text: no states, no interface: nothing is made up") {
  auto json = plain();
  json["states"] = Json::array();
  json["interfaces"] = Json::array();
  json["errors"] = Json::object();
  json["keysInUse"] = 0;
  CHECK(encrypt_text(json, false) ==
        "Encryption: IPsec\nDecryption interface(s):\nKeys in use: 0\nMax Seq. Number: N/A\n"
        "Errors: 0\nKey ids: none\n");
  CHECK(encrypt_json(json).dump() ==
        R"({"mode":"IPsec","ipsec":{"decrypt-interfaces":[],"keys-in-use":0,)"
        R"("max-seq-number":"N/A","error-count":0,"xfrm-errors":{}},"states":[]})");
}

TEST_CASE("encrypt json: Cilium's fields, and the states beside them") {
  auto json = plain();
  json["errors"]["XfrmInNoStates"] = 2;
  const auto shown = encrypt_json(json);
  CHECK(shown["mode"] == "IPsec");
  CHECK(shown["ipsec"].dump() ==
        R"({"decrypt-interfaces":["eth0"],"keys-in-use":1,"max-seq-number":"0x1e3/0xffffffff",)"
        R"("error-count":2,"xfrm-errors":{"XfrmInNoStates":2}})");
  CHECK(shown["states"].size() == 3);
  CHECK(shown["states"][1]["lastSequence"] == 0xffffffffULL);
}

TEST_CASE("state list: what is about to be removed, two lines each") {
  CHECK(state_list(pair()["states"]) ==
        "  out spi 0x10a00283, key 3, worker2\n"
        "      10.0.1.138 > 10.0.0.40, rfc4106(gcm(aes)) 128\n"
        "  in spi 0x10a01283, key 3, worker2\n"
        "      10.0.0.40 > 10.0.1.138, rfc4106(gcm(aes)) 128\n");
}

}  // namespace this_file
