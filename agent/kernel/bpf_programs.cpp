#include "agent/kernel/bpf_programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "agent/kernel/os_error.h"
#include "bpf/object.h"

namespace pellicle {

namespace {

// libbpf explains a failure only in warnings and returns an errno. The warnings are kept for the
// error's sentence and never reach stderr. A verifier log may be long; its end has the reason.
thread_local std::string last_warnings;
constexpr size_t kWarningsKept = 2000;  // bytes

int keep_warning(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN) return 0;
  std::array<char, 1024> line{};
  const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  last_warnings += line.data();
  if (last_warnings.size() > kWarningsKept)
    last_warnings.erase(0, last_warnings.size() - kWarningsKept);
  return length;
}

void start_listening() {
  libbpf_set_print(keep_warning);
  last_warnings.clear();
}

[[noreturn]] void fail_to_load(int error, const std::string& what) {
  std::string sentence = what + ": " + std::strerror(error);
  if (error == EPERM) {  // libbpf would advise to raise `ulimit -l`, which matters on old kernels
    throw OsError(error, sentence + " (this needs CAP_BPF and CAP_NET_ADMIN)");
  }
  for (char& c : last_warnings)
    if (c == '\n') c = ' ';
  if (!last_warnings.empty()) sentence += "; " + last_warnings;
  throw OsError(error, sentence);
}

std::string hex(const uint8_t* bytes, size_t count) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

MapDefinition definition(const bpf_map* map) {
  return {.type = bpf_map__type(map),
          .key_size = bpf_map__key_size(map),
          .value_size = bpf_map__value_size(map),
          .max_entries = bpf_map__max_entries(map),
          .flags = bpf_map__map_flags(map)};
}

// The first call returns the number of map ids, the second fetches them.
ProgramInfo read_info(int program_fd, const std::string& what) {
  bpf_prog_info info{};
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(program_fd, &info, &size) != 0) fail_to_load(errno, what);
  std::vector<uint32_t> map_ids(info.nr_map_ids);
  bpf_prog_info with_maps{};
  with_maps.nr_map_ids = info.nr_map_ids;
  with_maps.map_ids = reinterpret_cast<uint64_t>(map_ids.data());
  size = sizeof(with_maps);
  if (bpf_obj_get_info_by_fd(program_fd, &with_maps, &size) != 0) fail_to_load(errno, what);
  return {.id = info.id,
          .name = info.name,
          .tag = hex(info.tag, sizeof(info.tag)),
          .map_ids = std::move(map_ids)};
}

}  // namespace

std::optional<ProgramInfo> find_program(uint32_t id) {
  last_warnings.clear();
  const std::string what = "look at eBPF program " + std::to_string(id);
  const FileDescriptor fd(bpf_prog_get_fd_by_id(id));
  if (fd) return read_info(fd.get(), what);
  if (errno == ENOENT) return std::nullopt;
  fail_to_load(errno, what);
}

bool is_ours(const ProgramInfo& program) {
  return program.name.starts_with(kProgramPrefix);
}

std::string map_name_by_id(uint32_t id) {
  const FileDescriptor fd(bpf_map_get_fd_by_id(id));
  bpf_map_info info{};
  uint32_t size = sizeof(info);
  if (!fd || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) return {};
  return info.name;
}

void BpfPrograms::Close::operator()(bpf_object* object) const {
  bpf_object__close(object);
}

std::unique_ptr<bpf_object, BpfPrograms::Close> BpfPrograms::open() {
  start_listening();
  const auto size = static_cast<size_t>(pellicle_datapath_object_end - pellicle_datapath_object);
  std::unique_ptr<bpf_object, Close> object(
      bpf_object__open_mem(pellicle_datapath_object, size, nullptr));
  if (!object) fail_to_load(errno, "read the eBPF object");
  return object;
}

std::map<std::string, MapDefinition> carried_map_definitions() {
  const auto object = BpfPrograms::open();
  std::map<std::string, MapDefinition> definitions;
  for (const char* name : kMapNames) {
    const bpf_map* map = bpf_object__find_map_by_name(object.get(), name);
    if (map == nullptr) fail_to_load(ENOENT, std::string("find eBPF map ") + name);
    definitions.emplace(name, definition(map));
  }
  return definitions;
}

BpfPrograms::BpfPrograms(const BpfMaps& existing) : object_(open()) {
  load(existing);
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_.get()) {
    const std::string name = bpf_program__name(program);
    tags_[name] = read_info(bpf_program__fd(program), "look at eBPF program " + name).tag;
  }
}

void BpfPrograms::load(const BpfMaps& existing) {
  for (const auto& [name, map] : existing) {
    bpf_map* carried = bpf_object__find_map_by_name(object_.get(), name.c_str());
    if (carried == nullptr || definition(carried) != map.definition) continue;
    if (const int result = bpf_map__reuse_fd(carried, map.fd.get()); result != 0)
      fail_to_load(-result, "use pinned eBPF map " + name);
  }
  if (const int result = bpf_object__load(object_.get()); result != 0)
    fail_to_load(-result, "load the eBPF programs");
  for (const char* name : kMapNames)
    map_ids_[name] = map_from_fd(FileDescriptor(dup(map_fd(name))), name).id;
}

int BpfPrograms::program_fd(const std::string& name) const {
  const bpf_program* program = bpf_object__find_program_by_name(object_.get(), name.c_str());
  if (program == nullptr)
    throw OsError(ENOENT, "find eBPF program " + name + ": this agent carries none of that name");
  return bpf_program__fd(program);
}

int BpfPrograms::map_fd(const std::string& name) const {
  const int fd = bpf_object__find_map_fd_by_name(object_.get(), name.c_str());
  if (fd < 0)
    throw OsError(ENOENT, "find eBPF map " + name + ": this agent carries none of that name");
  return fd;
}

uint32_t BpfPrograms::map_id(const std::string& name) const {
  return map_ids_.at(name);
}

}  // namespace pellicle
