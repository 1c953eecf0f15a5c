#include "agent/desired/settings.h"

#include "agent/desired/local_view.h"

namespace pellicle {

namespace {

constexpr const char* kAllDevices = "all";

}  // namespace

std::string setting_path(const Setting& setting, const std::string& device) {
  const std::string folder = setting.family == Family::v4 ? "net/ipv4/conf/" : "net/ipv6/conf/";
  return folder + device + "/" + setting.name;
}

void set_for(unsigned on, Family family, const std::string& device, Table<Sysctl>& table) {
  for (const auto& setting : kSettings) {
    if (setting.family != family || !(setting.set & on)) continue;
    table.insert_or_assign(Sysctl::Key{setting_path(setting, device)}, Sysctl{setting.value});
  }
}

std::optional<Sysctl> setting_of(const std::string& path) {
  for (const auto& setting : kSettings) {
    const auto folder = setting_path(setting, "");  // "net/ipv4/conf//rp_filter"
    const auto middle = folder.find("//");
    if (path.starts_with(folder.substr(0, middle + 1)) &&
        path.ends_with(folder.substr(middle + 1))) {
      return Sysctl{setting.value};
    }
  }
  return std::nullopt;
}

Table<Sysctl> sysctls(const LocalView& view) {
  Table<Sysctl> table;
  for (const auto& own : view.families) {
    const auto family = own.family();
    set_for(kOnHost, family, kHostDevice, table);
    set_for(kOnNet, family, kNetDevice, table);
    for (const auto& [device, ethernet] : view.uplinks) set_for(kOnUplink, family, device, table);
    set_for(kOnAll, family, kAllDevices, table);
    for (const auto& device : view.advertised) set_for(kOnAdvertised, family, device, table);
    if (view.uplink.accepts_ra) set_for(kOnAdvertised, family, view.uplink.name, table);
  }
  return table;
}

}  // namespace pellicle
