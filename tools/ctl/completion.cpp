#include "tools/ctl/completion.h"

#include <algorithm>

namespace pellicle::ctl {

namespace {

// `path`: a command with its parents: "pellicle key rotate". @ stands for the program's name.
constexpr const char* kHead = R"(# Completion of @ for bash, made by `@ completion bash`. To use it:
#   source <(@ completion bash)

# What stands below a command: commands, options, and what its operand may be.
_@_words() {
  commands='' options='' operand=''
  case $1 in
)";

constexpr const char* kValues = R"(    *) return 1 ;;
  esac
}

# What the value of an option may be, '' for an option without; those of commands above are taken.
_@_value() {
  local path=$1
  while true; do
    case "$path $2" in
)";

constexpr const char* kTail = R"(    esac
    [[ $path == *' '* ]] || break
    path=${path% *}
  done
  value=''
}

# FILE, DIR, or words after a colon.
_@_offer() {
  case $1 in
    FILE) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    DIR) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
    :*)
      mapfile -t COMPREPLY < <(compgen -W "${1#:}" -- "$cur")
      return
      ;;
    *) return ;;
  esac
  compopt -o filenames
}

_@() {
  local cur=${COMP_WORDS[COMP_CWORD]} path=@ value='' word i commands options operand
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $value ]]; then
      [[ $word == = ]] || value=''
    elif [[ $word == -* ]]; then
      _@_value "$path" "$word"
    elif _@_words "$path $word"; then
      path+=" $word"
    fi
  done
  [[ $value && $cur == = ]] && cur=''
  _@_words "$path"
  if [[ $value ]]; then
    _@_offer "$value"
  elif [[ $cur == -* ]]; then
    _@_offer ":$options"
  elif [[ $commands ]]; then
    _@_offer ":$commands"
  elif [[ $operand ]]; then
    _@_offer "$operand"
  else
    _@_offer ":$options"
  fi
}

complete -F _@ @
)";

std::string named(std::string text, const std::string& program) {
  for (size_t at = text.find('@'); at != std::string::npos; at = text.find('@', at)) {
    text.replace(at, 1, program);
  }
  return text;
}

void add_word(std::string& words, const std::string& word) {
  words += (words.empty() ? "" : " ") + word;
}

// "FILE", "DIR", ":text json"; "-" when the values are unknown.
std::string values(const CommandOption& option) {
  if (!option.choices.empty()) {
    std::string words;
    for (const auto& choice : option.choices) add_word(words, choice);
    return ":" + words;
  }
  const bool path = option.value == "FILE" || option.value == "DIR";
  return path ? option.value : "-";
}

// Not offered for subcommands: these options concern the command that they follow.
bool of_its_own(const CommandOption& option) {
  return std::any_of(option.names.begin(), option.names.end(),
                     [](const auto& name) { return name == "--help" || name == "--version"; });
}

struct Script {
  std::string words;
  std::string values;

  void add(const Command& command, const std::string& path, const std::string& from_above) {
    std::string own;
    std::string handed_down = from_above;
    std::string operand;
    for (const auto& option : command.options) {
      if (!option.positional.empty()) operand = ctl::values(option);
      for (const auto& name : option.names) {
        add_word(of_its_own(option) ? own : handed_down, name);
        if (!option.takes_value()) continue;
        values.append("      '").append(path).append(" ").append(name).append("') value='");
        values.append(ctl::values(option)).append("' && return ;;\n");
      }
    }
    std::string commands;
    for (const auto& each : command.commands) add_word(commands, each.name);
    add_word(own, handed_down);
    words += "    '" + path + "')\n      options='" + own + "'\n";
    if (!commands.empty()) words += "      commands='" + commands + "'\n";
    if (!operand.empty()) words += "      operand='" + operand + "'\n";
    words += "      ;;\n";
    for (const auto& each : command.commands) add(each, path + " " + each.name, handed_down);
  }
};

}  // namespace

std::string bash_completion(const Command& root) {
  Script script;
  script.add(root, root.name, "");
  return named(kHead, root.name) + script.words + named(kValues, root.name) + script.values +
         named(kTail, root.name);
}

}  // namespace pellicle::ctl
