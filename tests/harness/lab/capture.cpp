#include "tests/harness/lab/capture.h"

#include <filesystem>
#include <regex>

namespace pellicle::lab {

namespace {

// -Z root: Debian's tcpdump otherwise switches to the user tcpdump, which cannot write everywhere.
std::vector<std::string> arguments(const CaptureSpec& spec, const std::string& path) {
  std::vector<std::string> words{"tcpdump", "-Z",  "root", "-n", "-i",
                                 spec.dev,  "-U",  "-w",   path, "--immediate-mode",
                                 "-B",      "8192"};
  words.insert(words.end(), {"-s", std::to_string(spec.bytes_per_packet)});
  if (!spec.promiscuous) words.push_back("-p");
  if (!spec.filter.empty()) words.push_back(spec.filter);
  return words;
}

struct Counters {
  unsigned long captured = 0;
  unsigned long received = 0;
  unsigned long dropped = 0;
};

// On SIGUSR1 tcpdump prints one line: "3 packets captured, 3 packets received by filter, 0 packets
// dropped by kernel".
Counters ask(Process& tcpdump) {
  const size_t before = tcpdump.output().size();
  tcpdump.signal(SIGUSR1);
  static const std::regex line(
      R"((\d+) packets? captured, (\d+) packets? received by filter, (\d+) packets? dropped)");
  std::smatch match;
  std::string said;
  const bool answered = wait_until(
      [&] {
        said = tcpdump.output().substr(before);
        return std::regex_search(said, match, line) || !tcpdump.running();
      },
      60s);
  if (!answered || match.empty()) {
    throw LabError("tcpdump does not answer: " + tcpdump.output());
  }
  return {std::stoul(match[1]), std::stoul(match[2]), std::stoul(match[3])};
}

Process start(const CaptureSpec& spec, const std::string& path) {
  std::filesystem::remove(path);
  std::filesystem::remove(path + ".log");
  return {arguments(spec, path), path + ".log", spec.netns};
}

}  // namespace

Capture::Capture(const CaptureSpec& spec, std::string path)
    : path_(std::move(path)), tcpdump_(start(spec, path_)) {}

void Capture::ready() {
  // A signal before tcpdump listens would end it.
  const bool listens = wait_until(
      [this] {
        return tcpdump_.output().find("listening on") != std::string::npos || !tcpdump_.running();
      },
      60s);
  if (!listens || !tcpdump_.running()) {
    throw LabError("cannot capture to " + path_ + ": " + tcpdump_.output());
  }
  // tcpdump counts packets from before the filter was installed, and discards them.
  const Counters now = ask(tcpdump_);
  skipped_ = now.received - now.captured;
}

void Capture::flush() {
  if (stopped_) return;
  Counters last;
  const bool drained = wait_until([&] {
    last = ask(tcpdump_);
    return last.captured + skipped_ >= last.received;
  });
  if (!drained) throw LabError(path_ + ": tcpdump does not keep up");
  if (last.dropped != 0) {
    throw LabError(path_ + ": the kernel dropped " + std::to_string(last.dropped) +
                   " packets of this capture");
  }
}

void Capture::stop() {
  flush();
  if (!stopped_) tcpdump_.stop(SIGINT);
  stopped_ = true;
}

std::vector<Packet> Capture::packets() {
  flush();
  return read_pcap(path_).packets;
}

std::string Capture::text() {
  flush();
  return must("tcpdump -pner " + shell_word(path_) + " 2>/dev/null");
}

std::string normalised(const std::string& capture_text,
                       const std::map<std::string, std::string>& mac_names) {
  static const std::regex time(R"((^|\n)\d\d:\d\d:\d\d\.\d{6} )");
  static const std::regex esp_sequence(R"(seq=0x[0-9a-f]+)");
  static const std::regex icmp_id(R"(, id \d+,)");
  static const std::regex mac(R"(([0-9a-f]{2}:){5}[0-9a-f]{2})");
  std::string text = std::regex_replace(capture_text, time, "$1");
  text = std::regex_replace(text, esp_sequence, "seq=N");
  text = std::regex_replace(text, icmp_id, ", id N,");

  std::string named;
  auto from = text.cbegin();
  for (std::sregex_iterator match(text.begin(), text.end(), mac), end; match != end; ++match) {
    named.append(from, (*match)[0].first);
    const auto name = mac_names.find(match->str());
    named += name == mac_names.end() ? "MAC" : name->second;
    from = (*match)[0].second;
  }
  return named.append(from, text.cend());
}

std::string decrypted(const std::string& pcap_path, const std::vector<EspState>& states) {
  std::string command =
      "HOME=/run WIRESHARK_RUN_FROM_BUILD_DIRECTORY=0 tshark -n -r " + shell_word(pcap_path) +
      " -o esp.enable_encryption_decode:TRUE -o esp.enable_null_encryption_decode_heuristic:FALSE";
  for (const EspState& state : states) {
    command +=
        " -o " + shell_word("uat:esp_sa:\"IPv4\",\"" + state.src + "\",\"" + state.dst + "\",\"" +
                            state.spi + "\",\"AES-GCM with 16 octet ICV [RFC4106]\",\"0x" +
                            state.key_hex + "\",\"NULL\",\"\"");
  }
  const Result result = sh(command + " 2>&1");
  if (!result.ok()) throw LabError("tshark cannot read " + pcap_path + ": " + result.output);
  return result.output;
}

}  // namespace pellicle::lab
