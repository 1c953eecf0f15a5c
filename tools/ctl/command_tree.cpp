#include "tools/ctl/command_tree.h"

#include <CLI/CLI.hpp>
#include <sstream>

namespace pellicle::ctl {

namespace {

// CLI11 shows the allowed values as "TEXT:{text,json}", and has no other interface to them.
std::vector<std::string> choices(const std::string& type) {
  const auto begin = type.find(":{");
  const auto end = type.find('}', begin == std::string::npos ? 0 : begin);
  std::vector<std::string> all;
  if (begin == std::string::npos || end == std::string::npos) return all;
  std::istringstream list(type.substr(begin + 2, end - begin - 2));
  for (std::string word; std::getline(list, word, ',');) all.push_back(word);
  return all;
}

CommandOption option(const CLI::Option& found) {
  CommandOption option;
  for (const auto& name : found.get_snames()) option.names.push_back("-" + name);
  for (const auto& name : found.get_lnames()) option.names.push_back("--" + name);
  if (option.names.empty()) option.positional = found.get_name(/*positional=*/true);
  option.description = found.get_description();
  if (found.get_items_expected_max() > 0) {
    const auto type = found.get_type_name();
    option.choices = choices(type);
    option.value = type.substr(0, type.find_first_of(":["));
    if (option.value.empty()) option.value = "TEXT";
    option.standard = found.get_default_str();
  }
  option.variable = found.get_envname();
  option.required = found.get_required();
  return option;
}

}  // namespace

Command command_tree(const CLI::App& app) {
  Command command{.name = app.get_name(), .description = app.get_description()};
  for (const auto* each : app.get_options()) command.options.push_back(option(*each));
  for (const auto* each : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!each->get_group().empty()) command.commands.push_back(command_tree(*each));
  }
  return command;
}

}  // namespace pellicle::ctl
