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
  std::string filter;  // a pcap filter; empty: everything
  bool promiscuous = false;
  int bytes_per_packet = 2048;  // a small value leaves more room in tcpdump's ring
};

class Capture {
 public:
  // Packets go to `path`, tcpdump's messages to `path`.log.
  Capture(const CaptureSpec& spec, std::string path);

  void ready();  // returns once tcpdump listens: it sees all later packets

  // Waits until tcpdump has written every packet that the kernel gave it. LabError if the kernel
  // dropped packets for lack of buffer: absence from such a capture proves nothing.
  void flush();
  void stop();  // flush, then end; further calls do nothing

  const std::string& path() const { return path_; }
  std::vector<Packet> packets();  // the packets so far, after a flush
  std::string text();             // `tcpdump -pner` of it, after a flush

 private:
  std::string path_;
  Process tcpdump_;
  size_t skipped_ = 0;
  bool stopped_ = false;
};

// A capture's text without run-dependent parts: times are removed, `seq` of ESP and ICMP ids become
// N, MAC addresses become the given names, or MAC.
std::string normalised(const std::string& capture_text,
                       const std::map<std::string, std::string>& mac_names = {});

// The SPI, key and direction of one ESP state, for tshark.
struct EspState {
  std::string src;
  std::string dst;
  std::string spi;      // "0x00000003"
  std::string key_hex;  // rfc4106(gcm(aes)) with a 128-bit ICV: key and salt, no 0x
};

// The decrypted inner packets, one line each, by `tshark`. The key is written to no file that is
// kept.
std::string decrypted(const std::string& pcap_path, const std::vector<EspState>& states);

}  // namespace pellicle::lab
