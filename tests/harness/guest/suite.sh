# Sourced by what fetches kernels: packages of another Debian suite, from the mirror that this machine uses and checked with
# the keys that it has for Debian. Its own sources and lists stay as they are.
# shellcheck shell=bash
apt=(-o APT::Sandbox::User=root)

# shellcheck disable=SC2016 # apt's own variable
mirror() { apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Created-By: Packages' | grep -v security | head -n 1; }

# use_suite SUITE DIRECTORY: adds to `apt` what makes apt-get and apt-cache look at that suite; its lists are kept there.
use_suite() {
  local directory=$2/apt
  mkdir -p "$directory"/{lists,cache/archives}/partial
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $1 main" > "$directory/sources.list"
  apt+=(-o "Dir::Etc::sourcelist=$directory/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::Lists=$directory/lists"
        -o "Dir::Cache=$directory/cache")
  apt-get "${apt[@]}" update -qq
}
