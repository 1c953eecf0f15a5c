// Replays a target's checked-in corpus, each file once: the ordinary builds link this in place of
// libFuzzer.
//
//   fuzz-<target> FOLDER|FILE...
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> files_of(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

bool replay(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  // A copy of exactly its size, so that AddressSanitizer detects every read beyond it.
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file) return false;
  std::cerr << path.filename().string() << std::endl;  // the last file named is the failing one
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  size_t replayed = 0;
  for (int i = 1; i < count; ++i) {
    for (const auto& file : files_of(arguments[i])) {
      if (!replay(file)) {
        std::cerr << "cannot read " << file << "\n";
        return 1;
      }
      ++replayed;
    }
  }
  std::cerr << replayed << " inputs\n";
  return replayed == 0 ? 1 : 0;
}
