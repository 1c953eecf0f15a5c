// Files left by an earlier agent or the plugin, damaged by a full disk or an editor. The first line
// names the kind: ledger, endpoints, keys, deletion, boot_id or settings.
#include <filesystem>
#include <fstream>

#include "agent/cni/deletions.h"
#include "agent/config.h"
#include "agent/ipam/endpoints.h"
#include "agent/kernel/ledger.h"
#include "agent/keys/boot_id.h"
#include "agent/keys/key_use.h"
#include "tests/fuzz/fuzz.h"
#include "tests/harness/temporary_directory.h"

using namespace pellicle;
using namespace pellicle::fuzz;

namespace fs = std::filesystem;

namespace {

constexpr const char* kBoot = "01234567-89ab-cdef-0123-456789abcdef";

// A damaged file is not used, and is kept under another name.
void expect_set_aside(bool damaged, const std::string& path) {
  expect(damaged == fs::exists(path + ".damaged"), "what is damaged is set aside");
  expect(!damaged || !fs::exists(path), "what is damaged is not read again");
}

void check_ledger(const std::string& directory) {
  Ledger ledger(directory);
  expect_set_aside(ledger.problem().has_value(), directory + "/ledger.json");
  if (ledger.problem()) return expect_one_line(*ledger.problem());
  ledger.note_sysctl("net/a", {"1", 7});
  ledger.save();
  const Ledger again(directory);
  expect(!again.problem(), "what was written can be read");
  expect(again.sysctls() == ledger.sysctls() && again.gateways() == ledger.gateways(),
         "a ledger comes back");
}

void check_endpoints(const std::string& directory) {
  Endpoints endpoints(directory);
  expect_set_aside(endpoints.problem().has_value(), directory + "/endpoints.json");
  if (endpoints.problem()) return expect_one_line(endpoints.problem()->sentence);
  endpoints.put({.id = "new", .name = "new", .device = "lxcnew"});
  const Endpoints again(directory);
  expect(!again.problem(), "what was written can be read");
  expect(again.all() == endpoints.all() && again.released() == endpoints.released() &&
             again.health() == endpoints.health(),
         "endpoints come back");
}

void check_keys(const std::string& directory) {
  const KeyUse use(directory, kBoot);
  expect(use.boot_id() == kBoot, "the boot is this one");
}

void check_deletion(const std::string& directory) {
  const auto pending = pending_deletions(directory + "/agent.sock");
  expect(pending.size() == 1, "a deletion is seen, readable or not");
}

void check_boot_id(const std::string& file) {
  try {
    expect(is_boot_id(boot_id(file)), "a boot id is one");
  } catch (const std::runtime_error& error) {
    expect_one_line(error.what());
  }
}

void check_settings(const std::string& file) {
  const auto line = parse_command_line({"--node-name", "worker", "--config", file});
  expect(line.run || !line.text.empty(), "it runs or says why not");
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = text_of(data, size);
  std::string_view content = text;
  const auto kind = take_line(content);
  const TemporaryDirectory directory;
  const auto put = [&](const std::string& name) {
    const auto path = directory.path() + "/" + name;
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path;
  };
  if (kind == "ledger") {
    put("ledger.json");
    check_ledger(directory.path());
  } else if (kind == "endpoints") {
    put("endpoints.json");
    check_endpoints(directory.path());
  } else if (kind == "keys") {
    put("keys.json");
    check_keys(directory.path());
  } else if (kind == "deletion") {
    put("deletions/1.json");
    check_deletion(directory.path());
  } else if (kind == "boot_id") {
    check_boot_id(put("boot_id"));
  } else if (kind == "settings") {
    check_settings(put("settings"));
  }
  return 0;
}
