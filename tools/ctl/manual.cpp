#include "tools/ctl/manual.h"

#include <algorithm>
#include <cctype>

namespace pellicle::ctl {

namespace {

// Sections that the tree of commands does not provide. The exit statuses are those of exit.h.
constexpr const char* kRest = R"(.SH EXIT STATUS
.TP
.B 0
Done, and nothing is wrong.
.TP
.B 1
Degraded: something is wrong or was not done; the output says what.
.B pellicle diff
exits so when there is something to do,
.B pellicle preflight
when something fails, and not for warnings and what is unknown.
.TP
.B 2
The command line cannot be used, or the command was refused.
.TP
.B 3
There is nobody to ask: no agent answers on the socket, the Kubernetes API cannot be asked, or the eBPF maps are not
pinned.
.TP
.B 4
.B pellicle preflight:
no agent could ever work on this node, whose kernel has no ESP, no XFRM or no eBPF.
.SH ENVIRONMENT
.TP
.B PELLICLE_SOCKET
The agent's unix socket, where
.B \-\-socket
is not given.
.TP
.B NO_COLOR
When it is set, nothing is coloured.
.TP
.B KUBECONFIG
How
.B pellicle key rotate
reaches the Kubernetes API, where
.B \-\-kubeconfig
is not given.
.SH FILES
.TP
.I /var/run/pellicle/agent.sock
The agent's unix socket. Only root may ask.
.TP
.I /sys/fs/bpf/pellicle
The eBPF maps.
.TP
.I /etc/pellicle/agent.conf
The agent's settings in its pod, which
.B pellicle preflight
goes by.
.SH SEE ALSO
.BR ip\-xfrm (8),
.BR bpftool (8),
.BR kubectl (1)
)";

// Escapes text for roff, at the start of a line too: no requests or escapes, and dashes that can be
// copied.
std::string roff(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '\\') {
      safe += "\\e";
    } else if (c == '-') {
      safe += "\\-";
    } else if ((c == '.' || c == '\'') && (safe.empty() || safe.back() == '\n')) {
      safe += std::string("\\&") + c;
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string bold(const std::string& text) {
  return "\\fB" + roff(text) + "\\fR";
}

std::string italic(const std::string& text) {
  return "\\fI" + roff(text) + "\\fR";
}

// A description, with a full stop at the end.
std::string sentence(const std::string& text) {
  if (text.empty()) return "";
  return text + (text.ends_with('.') ? "" : ".");
}

std::string value_of(const CommandOption& option) {
  const bool number = option.value == "UINT" || option.value == "INT";
  return italic(number ? "N" : option.value);
}

std::string choices_of(const CommandOption& option) {
  std::string list;
  for (const auto& choice : option.choices) list += (list.empty() ? "" : ", ") + choice;
  return list.empty() ? "" : " One of: " + list + ".";
}

std::string option_entry(const CommandOption& option) {
  std::string names = italic(upper(option.positional));
  if (option.positional.empty()) {
    names.clear();
    for (const auto& name : option.names) names += (names.empty() ? "" : ", ") + bold(name);
    if (option.takes_value()) names += " " + value_of(option);
  }
  auto text = sentence(option.description) + choices_of(option);
  if (!option.standard.empty()) text += " Default: " + option.standard + ".";
  if (!option.variable.empty()) text += " Also by the variable " + option.variable + ".";
  return ".TP\n" + names + "\n" + roff(text) + "\n";
}

bool is_help(const CommandOption& option) {
  return std::find(option.names.begin(), option.names.end(), "--help") != option.names.end();
}

// "pellicle sysdump [OPTION...] ARCHIVE"
std::string usage(const Command& command, const std::string& path) {
  std::string line = bold(path);
  const bool optional =
      std::any_of(command.options.begin(), command.options.end(), [](const CommandOption& option) {
        return option.positional.empty() && !option.required && !is_help(option);
      });
  if (optional) line += " [" + italic("OPTION") + "...]";
  for (const auto& option : command.options) {
    if (option.positional.empty() && !option.required) continue;
    const auto name =
        option.positional.empty() ? bold(option.names.back()) : italic(upper(option.positional));
    const bool value = option.positional.empty() && option.takes_value();
    line += option.required ? " " + name : " [" + name + "]";
    if (value) line += " " + value_of(option);
  }
  return line;
}

// The leaf commands, with the options of their group.
void add_commands(const Command& group, const std::string& path, std::string& page) {
  for (const auto& command : group.commands) {
    const auto full = path + " " + command.name;
    if (!command.commands.empty()) {
      add_commands(command, full, page);
      continue;
    }
    page += ".SS " + usage(command, full) + "\n" + roff(sentence(command.description)) + "\n";
    for (const auto* level : {&group, &command}) {
      if (level == &group && path.find(' ') == std::string::npos) continue;  // global ones
      for (const auto& option : level->options) {
        if (!is_help(option)) page += option_entry(option);
      }
    }
  }
}

}  // namespace

std::string manual(const Command& root, const std::string& version) {
  std::string page = ".TH " + upper(root.name) + " 8 \"\" \"" + roff(version) +
                     "\" \"System Administration\"\n.SH NAME\n" + roff(root.name) +
                     " \\- asks the agent that encrypts this node's pod traffic\n.SH SYNOPSIS\n" +
                     bold(root.name) + " [" + italic("OPTION") + "...] " + italic("COMMAND") +
                     " [" + italic("OPTION") + "...]\n.SH DESCRIPTION\n" +
                     roff(sentence(root.description)) +
                     "\nOptions may stand before or after a command.\n.SH OPTIONS\n";
  for (const auto& option : root.options) page += option_entry(option);
  page += ".SH COMMANDS\n";
  add_commands(root, root.name, page);
  return page + kRest;
}

}  // namespace pellicle::ctl
