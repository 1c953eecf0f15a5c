# Sourced by the scripts that fetch kernels: packages of another Debian suite, from this machine's mirror and verified
# with its Debian keys. The machine's own sources and package lists stay unchanged.
# shellcheck shell=bash
apt=(-o APT::Sandbox::User=root)

# shellcheck disable=SC2016 # apt's own variable
mirror() { apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Created-By: Packages' | grep -v security | head -n 1; }

# use_suite SUITE DIRECTORY: adds options to `apt` for apt-get and apt-cache to use that suite, with lists in DIRECTORY.
use_suite() {
  local directory=$2/apt
  mkdir -p "$directory"/{lists,cache/archives}/partial
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $1 main" > "$directory/sources.list"
  apt+=(-o "Dir::Etc::sourcelist=$directory/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::Lists=$directory/lists"
        -o "Dir::Cache=$directory/cache")
  apt-get "${apt[@]}" update -qq
}
