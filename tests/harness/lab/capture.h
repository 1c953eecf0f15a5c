// A tcpdump in the background.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/harness/lab/pcap.h"
#include "tests/harness/lab/process.h"

namespace pellicle::lab {

struct CaptureSpec {
  std::string netns;  // empty: the guest's root namespace
  std::string dev;
  std::string filter;  // in tcpdump's language; empty: everything
  bool promiscuous = false;
  int bytes_per_packet = 2048;  // small ones give tcpdump's ring more room
};

class Capture {
 public:
  // Packets go to `path`, tcpdump's own words to `path`.log.
  Capture(const CaptureSpec& spec, std::string path);

  void ready();  // returns once tcpdump listens: it sees all packets from here on

  // Waits until tcpdump has written every packet that the kernel gave it. LabError when the kernel
  // dropped some for want of room: what such a capture does not show proves nothing.
  void flush();
  void stop();  // flush, then end; more calls do nothing

  const std::string& path() const { return path_; }
  std::vector<Packet> packets();  // what is there now, after a flush
  std::string text();             // `tcpdump -pner` of it, after a flush

 private:
  std::string path_;
  Process tcpdump_;
  size_t skipped_ = 0;
  bool stopped_ = false;
};

// A capture's text without what differs from run to run: times go, `seq` of ESP, ICMP ids become N,
// MAC addresses become the names given, or MAC.
std::string normalised(const std::string& capture_text,
                       const std::map<std::string, std::string>& mac_names = {});

// The SPI, key and direction of one ESP state, for tshark.
struct EspState {
  std::string src;
  std::string dst;
  std::string spi;      // "0x00000003"
  std::string key_hex;  // rfc4106(gcm(aes)) with a 128-bit ICV: key and salt, no 0x
};

// `tshark` one line a packet, decrypted: what the inner packets are. The key goes to no file that
// is kept.
std::string decrypted(const std::string& pcap_path, const std::vector<EspState>& states);

}  // namespace pellicle::lab
