// bash runs the completion script as it does when a key is pressed.
#include "tools/ctl/completion.h"

#include <fstream>
#include <set>
#include <sstream>

#include "tests/harness/catch.h"
#include "tests/harness/shell_output.h"
#include "tests/harness/temporary_directory.h"
#include "tests/unit/commands/command_line.h"

namespace this_file {

using namespace pellicle;
using namespace pellicle::ctl;

namespace {

using Words = std::set<std::string>;

class Bash {
 public:
  Bash() {
    std::ofstream(directory_.path() + "/completion") << bash_completion(CommandLine().tree());
    std::ofstream(directory_.path() + "/log with blanks.txt") << "";
    std::filesystem::create_directory(directory_.path() + "/logs");
  }

  // The offers for the last word. Each word is one as bash splits them.
  Words offers(const std::vector<std::string>& words) const {
    std::string typed;
    for (const auto& word : words) typed += " '" + word + "'";
    // compopt is a bash builtin that fails outside of a completion.
    const auto script = "cd " + directory_.path() + "; . ./completion; compopt() { :; }; " +
                        "COMP_WORDS=(" + typed +
                        ") COMP_CWORD=" + std::to_string(words.size() - 1) +
                        R"(; _pellicle; for word in "${COMPREPLY[@]}"; do echo "$word"; done)";
    return lines(script);
  }

  // The completion that bash has registered.
  Words registered() const {
    return lines("cd " + directory_.path() + " && . ./completion && complete -p pellicle");
  }

 private:
  static Words lines(const std::string& script) {
    std::string quoted;
    for (const char c : script) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    const auto said = shell_output("bash --norc -euo pipefail -c '" + quoted + "'");
    CAPTURE(said.text);
    CHECK(said.status == 0);
    Words all;
    std::istringstream stream(said.text);
    for (std::string line; std::getline(stream, line);) all.insert(line);
    return all;
  }

  TemporaryDirectory directory_;
};

Words names(const Command& command) {
  Words all;
  for (const auto& each : command.commands) all.insert(each.name);
  return all;
}

void check_level(const Bash& bash, const Command& command, std::vector<std::string> words) {
  words.push_back(command.name);
  auto typed = words;
  typed.emplace_back("");
  CAPTURE(typed);
  if (!command.commands.empty()) CHECK(bash.offers(typed) == names(command));
  typed.back() = "-";
  const auto offered = bash.offers(typed);
  for (const auto& option : command.options) {
    for (const auto& name : option.names) CHECK(offered.contains(name));
    if (option.choices.empty() || option.names.empty()) continue;
    auto value = words;
    value.push_back(option.names.back());
    value.emplace_back("");
    CHECK(bash.offers(value) == Words(option.choices.begin(), option.choices.end()));
  }
  CHECK(offered.contains("--help"));
  CHECK(offered.contains("--output"));  // an option of all commands
  for (const auto& each : command.commands) check_level(bash, each, words);
}

}  // namespace

TEST_CASE("bash completes every command, every option and every value that is known") {
  const Bash bash;
  check_level(bash, CommandLine().tree(), {});
}

TEST_CASE("bash completes the begin of a word, whatever stands before it") {
  const Bash bash;
  CHECK(bash.registered() == Words{"complete -F _pellicle pellicle"});
  CHECK(bash.offers({"pellicle", "st"}) == Words{"status"});
  CHECK(bash.offers({"pellicle", "-o", "json", "st"}) == Words{"status"});
  CHECK(bash.offers({"pellicle", "--output", "=", "json", "key", ""}) == Words{"rotate"});
  CHECK(bash.offers({"pellicle", "encrypt", "fl"}) == Words{"flush"});
  CHECK(bash.offers({"pellicle", "encrypt", "-o", "json", "flush", "--st"}) == Words{"--stale"});
  CHECK(bash.offers({"pellicle", "status", "--out"}) == Words{"--output"});
  CHECK(bash.offers({"pellicle", "nothing-like-it"}).empty());
}

TEST_CASE("bash completes values behind a blank and behind an equals sign") {
  const Bash bash;
  CHECK(bash.offers({"pellicle", "status", "-o", "j"}) == Words{"json"});
  CHECK(bash.offers({"pellicle", "status", "--output", "="}) == Words{"json", "text"});
  CHECK(bash.offers({"pellicle", "status", "--output", "=", "te"}) == Words{"text"});
  CHECK(bash.offers({"pellicle", "log-level", ""}) == Words{"debug", "info", "warn", "error"});
  CHECK(bash.offers({"pellicle", "log-level", "de"}) == Words{"debug"});
  CHECK(bash.offers({"pellicle", "completion", ""}) == Words{"bash"});
  CHECK(bash.offers({"pellicle", "key", "rotate", "--icv", ""}) == Words{"96", "128"});
  CHECK(bash.offers({"pellicle", "key", "rotate", "--timeout", ""}).empty());  // any number
}

TEST_CASE("bash completes files where a file is expected, and folders where one is") {
  const Bash bash;
  CHECK(bash.offers({"pellicle", "sysdump", "log"}) == Words{"log with blanks.txt", "logs"});
  CHECK(bash.offers({"pellicle", "sysdump", "x", "--add", "log"}) ==
        Words{"log with blanks.txt", "logs"});
  CHECK(bash.offers({"pellicle", "cleanup", "--state-dir", "log"}) == Words{"logs"});
}

}  // namespace this_file
