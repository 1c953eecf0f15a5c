#include "agent/kernel/bpf_maps.h"

#include <bpf/bpf.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "agent/kernel/os_error.h"

namespace pellicle {

namespace {

namespace fs = std::filesystem;

constexpr size_t kFirstBatch = 256;  // entries

std::string pin_path(const std::string& root, const std::string& name) {
  return root + "/" + name;
}

// 0: all read. Otherwise the errno; EINVAL and ENOTSUPP mean that the map has no batches. Room
// grows with what there is; ENOSPC asks for more at once, for all that share a hash.
int read_batches(const BpfMap& map, RawEntries& into) {
  const MapDefinition& shape = map.definition;
  std::vector<uint8_t> cursor(std::max<size_t>(shape.key_size, sizeof(uint32_t)));
  bool first = true;
  size_t capacity = std::min<size_t>(kFirstBatch, shape.max_entries);
  while (true) {
    into.keys.resize((into.count + capacity) * shape.key_size);
    into.values.resize((into.count + capacity) * shape.value_size);
    uint32_t count = static_cast<uint32_t>(capacity);
    const int result =
        bpf_map_lookup_batch(map.fd.get(), first ? nullptr : cursor.data(), cursor.data(),
                             into.keys.data() + into.count * shape.key_size,
                             into.values.data() + into.count * shape.value_size, &count, nullptr);
    const int error = result == 0 ? 0 : errno;
    const bool crowded = error == ENOSPC && capacity < shape.max_entries;
    if (crowded || error == 0) capacity = std::min<size_t>(2 * capacity, shape.max_entries);
    if (crowded) continue;
    if (error != 0 && error != ENOENT) return error;
    into.count += count;
    if (error == ENOENT) return 0;  // end of the map; the entries of this batch are valid
    first = false;
  }
}

int read_one_by_one(const BpfMap& map, RawEntries& into) {
  const MapDefinition& shape = map.definition;
  into = {};
  std::vector<uint8_t> key(shape.key_size);
  std::vector<uint8_t> next(shape.key_size);
  std::vector<uint8_t> value(shape.value_size);
  const void* previous = nullptr;
  while (bpf_map_get_next_key(map.fd.get(), previous, next.data()) == 0) {
    key = next;
    previous = key.data();
    if (bpf_map_lookup_elem(map.fd.get(), key.data(), value.data()) != 0) {
      if (errno == ENOENT) continue;  // deleted since
      return errno;
    }
    into.keys.insert(into.keys.end(), key.begin(), key.end());
    into.values.insert(into.values.end(), value.begin(), value.end());
    ++into.count;
  }
  return errno == ENOENT ? 0 : errno;
}

}  // namespace

// bpf(2) answers "Operation not permitted" for a file system that is not bpf: say what is wrong
// before it does.
void require_bpffs(const std::string& root) {
  fs::path existing = root;
  while (!fs::exists(existing) && existing.has_relative_path()) existing = existing.parent_path();
  struct statfs found {};
  if (statfs(existing.c_str(), &found) != 0) fail(errno, "look at " + existing.string());
  if (static_cast<uint32_t>(found.f_type) != BPF_FS_MAGIC)
    throw OsError(ENOTSUP, "pin the eBPF maps under " + root + ": " + existing.string() +
                               " is not on a bpf file system (mount -t bpf bpf /sys/fs/bpf)");
}

std::string MapDefinition::to_string() const {
  return "type " + std::to_string(type) + ", key " + std::to_string(key_size) + ", value " +
         std::to_string(value_size) + ", entries " + std::to_string(max_entries) + ", flags " +
         std::to_string(flags);
}

BpfMap map_from_fd(FileDescriptor fd, const std::string& name) {
  bpf_map_info info{};
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) fail(errno, "look at eBPF map " + name);
  return {.fd = std::move(fd),
          .id = info.id,
          .definition = {.type = info.type,
                         .key_size = info.key_size,
                         .value_size = info.value_size,
                         .max_entries = info.max_entries,
                         .flags = info.map_flags}};
}

std::optional<BpfMap> pinned_map(const std::string& root, const std::string& name) {
  const std::string path = pin_path(root, name);
  FileDescriptor fd(bpf_obj_get(path.c_str()));
  if (fd) return map_from_fd(std::move(fd), name);
  if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
  const int error = errno;
  // Without a file the map is absent, whatever the errno. A file that is no pinned map is an error.
  struct stat found {};
  if (stat(path.c_str(), &found) != 0 && errno == ENOENT) return std::nullopt;
  fail(error, "open pinned eBPF map " + path);
}

BpfMaps pinned_maps(const std::string& root) {
  BpfMaps maps;
  for (const char* name : kMapNames)
    if (auto map = pinned_map(root, name)) maps.emplace(name, std::move(*map));
  return maps;
}

void pin_map(const std::string& root, const std::string& name, int map_fd) {
  require_bpffs(root);
  std::error_code failure;
  fs::create_directories(root, failure);
  if (failure) fail(failure.value(), "make folder " + root);
  const std::string path = pin_path(root, name);
  if (bpf_obj_pin(map_fd, path.c_str()) != 0) fail(errno, "pin eBPF map " + path);
}

void unpin_map(const std::string& root, const std::string& name) {
  const std::string path = pin_path(root, name);
  if (unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR)
    fail(errno, "unpin eBPF map " + path);
}

void remove_pin_folder(const std::string& root) {
  rmdir(root.c_str());
}

void update_bytes(int map_fd, const void* key, const void* value, const std::string& what) {
  if (bpf_map_update_elem(map_fd, key, value, BPF_ANY) != 0) fail(errno, "write " + what);
}

void delete_bytes(int map_fd, const void* key, const std::string& what) {
  if (bpf_map_delete_elem(map_fd, key) != 0 && errno != ENOENT) fail(errno, "delete " + what);
}

bool lookup_bytes(int map_fd, const void* key, void* value, const std::string& what) {
  if (bpf_map_lookup_elem(map_fd, key, value) == 0) return true;
  if (errno == ENOENT) return false;
  fail(errno, "read " + what);
}

RawEntries all_entries(const BpfMap& map, const std::string& what) {
  RawEntries entries;
  const int error = read_batches(map, entries);
  if (error == 0) return entries;
  const int second = read_one_by_one(map, entries);
  if (second != 0) fail(second, "read " + what);
  return entries;
}

}  // namespace pellicle
