#include "agent/preflight/ciphers.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <sstream>

#include "agent/kernel/esp_support.h"

namespace pellicle {

namespace {

constexpr const char* kUsual = "rfc4106(gcm(aes))";  // what Cilium's users have, and the chart's

// "name         : cbc(aes)" -> {"name", "cbc(aes)"}
std::pair<std::string, std::string> field(const std::string& line) {
  const auto colon = line.find(" : ");
  if (colon == std::string::npos) return {};
  const auto end = line.find_last_not_of(' ', colon);
  return {line.substr(0, end + 1), line.substr(colon + 3)};
}

struct Entry {
  CryptoDriver driver;
  bool internal = false;
};

void take(const std::string& line, Entry& entry) {
  const auto [name, value] = field(line);
  if (name == "name") entry.driver.name = value;
  if (name == "driver") entry.driver.driver = value;
  if (name == "internal") entry.internal = value == "yes";
  if (name == "priority") {
    std::from_chars(value.data(), value.data() + value.size(), entry.driver.priority);
  }
}

const CryptoDriver* best(const std::vector<CryptoDriver>& drivers, const std::string& name) {
  const CryptoDriver* found = nullptr;
  for (const auto& driver : drivers) {
    if (driver.name == name && (!found || driver.priority > found->priority)) found = &driver;
  }
  return found;
}

bool is_weak(const std::string& algorithm) {
  return algorithm == "hmac(md5)" || algorithm == "hmac(sha1)";
}

// "hmac(sha256)" -> "authenc(hmac(sha256),cbc(aes))"
std::string kernel_name(const std::string& algorithm) {
  return algorithm == kUsual ? algorithm : "authenc(" + algorithm + ",cbc(aes))";
}

// The module that has the processor's instructions for AES.
std::string aes_module(const std::string& machine) {
  if (machine == "x86_64") return "aesni_intel";
  return machine == "aarch64" ? "aes_ce_blk" : "";
}

constexpr const char* kSlow =
    "encrypting takes several times the processor's time: load the module for this processor's AES "
    "instructions, or take a machine that has such";

Finding judge_driver(Finding finding, const CryptoDriver& driver) {
  finding.found = "driver " + driver.driver;
  if (!is_software(driver.driver)) return finding;
  finding.found += ", in software";
  finding.verdict = Verdict::warn;
  finding.remedy = kSlow;
  return finding;
}

Finding judge(const CipherParts& parts, const CipherFacts& facts, const KernelModules& modules) {
  const std::string algorithm = parts.algorithm;
  Finding finding{.topic = kCipherTopic,
                  .what = algorithm == kUsual ? algorithm : algorithm + " cbc(aes)"};
  if (const auto* driver = best(facts.drivers, kernel_name(algorithm))) {
    return judge_driver(std::move(finding), *driver);
  }
  std::istringstream names(parts.modules);
  bool known = true;
  for (std::string name; names >> name;) {
    const auto module = modules.find(name);
    known = known && module.state != ModuleState::unknown;
    if (!module.lacking()) continue;
    finding.found = "module " + name + ": " + modules.describe(name, module);
    finding.verdict = algorithm == kUsual ? Verdict::fail : Verdict::warn;
    finding.remedy =
        module.block ? unblock_remedy(name) : module_remedy(parts.modules, parts.options);
    return finding;
  }
  finding.found = "there, not in use yet";
  if (known) return finding;
  finding.found = "not in use yet, and not known to be there";
  finding.verdict = Verdict::unknown;
  finding.remedy = std::string("look on the host with `modprobe -n -v -a ") + parts.modules + "`";
  return finding;
}

// The kernel puts an algorithm together when a first state asks for it; what it has for AES is
// known before.
Finding judge_aes(const Processor& processor, const KernelModules& modules) {
  Finding finding{
      .topic = kCipherTopic, .what = "AES instructions", .found = "this processor has them"};
  const auto module = aes_module(processor.machine);
  const auto found = modules.find(module);
  if (!processor.aes) {
    finding.found = "this processor has none";
  } else if (!module.empty() && found.lacking()) {
    finding.found = "not used: module " + module + ": " + modules.describe(module, found);
  } else {
    return finding;
  }
  finding.verdict = Verdict::warn;
  finding.remedy = kSlow;
  return finding;
}

}  // namespace

std::vector<CryptoDriver> parse_crypto(const std::string& text) {
  std::vector<CryptoDriver> drivers;
  std::istringstream lines(text);
  Entry entry;
  const auto finish = [&] {
    if (!entry.driver.name.empty() && !entry.internal) drivers.push_back(entry.driver);
    entry = {};
  };
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) {
      finish();
    } else {
      take(line, entry);
    }
  }
  finish();
  return drivers;
}

bool is_software(const std::string& driver) {
  return driver.find("generic") != std::string::npos ||
         driver.find("fixed-time") != std::string::npos;
}

Processor read_processor() {
  utsname names{};
  uname(&names);
  Processor processor{.machine = names.machine};
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; !processor.aes && std::getline(info, line);) {
    if (!line.starts_with("flags") && !line.starts_with("Features")) continue;
    std::istringstream words(line);
    for (std::string word; words >> word;) processor.aes = processor.aes || word == "aes";
  }
  return processor;
}

Findings judge_ciphers(const CipherFacts& facts, const KernelModules& modules) {
  Findings findings{judge_aes(facts.processor, modules)};
  for (const auto& parts : cipher_parts()) {
    if (is_weak(parts.algorithm) && !facts.weak) continue;
    findings.push_back(judge(parts, facts, modules));
  }
  return findings;
}

}  // namespace pellicle
