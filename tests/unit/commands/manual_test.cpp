#include "tools/ctl/manual.h"

#include <sstream>

#include "tests/harness/catch.h"
#include "tests/unit/commands/command_line.h"

namespace this_file {

using namespace pellicle::ctl;
using Catch::Contains;

namespace {

Command command(const std::string& description) {
  return {.name = "tool",
          .description = "Is a tool",
          .commands = {{.name = "do",
                        .description = description,
                        .options = {{.names = {"-n", "--number"},
                                     .description = "How often",
                                     .value = "UINT",
                                     .standard = "1",
                                     .variable = "TOOL_NUMBER"},
                                    {.positional = "what",
                                     .description = "What to do",
                                     .value = "TEXT",
                                     .choices = {"this", "that"},
                                     .required = true}}}}};
}

// Every command without subcommands, with its path.
void each_leaf(const Command& command, const std::string& path, std::vector<std::string>& all) {
  for (const auto& each : command.commands) {
    const auto full = path + " " + each.name;
    if (each.commands.empty()) all.push_back(full);
    each_leaf(each, full, all);
  }
}

std::string with_plain_dashes(std::string page) {
  for (size_t at = page.find("\\-"); at != page.npos; at = page.find("\\-")) page.erase(at, 1);
  return page;
}

}  // namespace

TEST_CASE("a command's entry has its usage, its options and what they may be") {
  CHECK_THAT(manual(command("Does it"), "Tool 1.0"),
             Contains(".TH TOOL 8 \"\" \"Tool 1.0\" \"System Administration\"\n") &&
                 Contains(".SS \\fBtool do\\fR [\\fIOPTION\\fR...] \\fIWHAT\\fR\nDoes it.\n"
                          ".TP\n\\fB\\-n\\fR, \\fB\\-\\-number\\fR \\fIN\\fR\n"
                          "How often. Default: 1. Also by the variable TOOL_NUMBER.\n"
                          ".TP\n\\fIWHAT\\fR\nWhat to do. One of: this, that.\n"));
}

TEST_CASE("no description is taken for a request or an escape of roff") {
  CHECK_THAT(manual(command(".so /etc/shadow"), ""), Contains("\n\\&.so /etc/shadow.\n"));
  CHECK_THAT(manual(command("'so it is"), ""), Contains("\n\\&'so it is.\n"));
  CHECK_THAT(manual(command("a\\fBb"), ""), Contains("\na\\efBb.\n"));
}

TEST_CASE("the page has every command, every option, the exit statuses and the variables") {
  const CommandLine line;
  const auto page = with_plain_dashes(manual(line.tree(), "Pellicle"));
  std::vector<std::string> leaves;
  each_leaf(line.tree(), "pellicle", leaves);
  CHECK(leaves.size() > 15);
  for (const auto& leaf : leaves) CHECK_THAT(page, Contains(".SS \\fB" + leaf + "\\fR"));
  CHECK(page.find("pellicle man") == page.npos);  // a command for packagers
  for (const char* words : {"--bpf-root", "--wireshark", "--no-wait", ".B PELLICLE_SOCKET",
                            ".B NO_COLOR", ".SH EXIT STATUS", ".B 3"}) {
    CHECK_THAT(page, Contains(words));
  }
}

TEST_CASE("every command and every option says what it is for") {
  const auto check = [](const auto& self, const Command& command) -> void {
    CAPTURE(command.name);
    CHECK_FALSE(command.description.empty());
    for (const auto& option : command.options) {
      CAPTURE(option.names);
      CHECK_FALSE(option.description.empty());
    }
    for (const auto& each : command.commands) self(self, each);
  };
  check(check, CommandLine().tree());
}

}  // namespace this_file
