/* The lower bound: programs and reads the same kernel objects without computing anything. The
 * messages are prepared, many go into one system call, and no answer is decoded.
 *
 *   bench-scale-floor program FILE PIN   sends the requests, waits for each acknowledgement
 *   bench-scale-floor dump FILE PIN      sends each dump request, receives to its end
 *
 * FILE: sections (floor_file.h), executed in order. PIN: the pinned map of the map sections.
 * Prints the nanoseconds that each section took, one per line; reading FILE is not counted. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/scale/floor_section.h"

enum {
  SEND_BYTES = 1024 * 1024,
  SEND_MESSAGES = 4096, /* their acknowledgements, 1 kB of socket memory each, fit the buffer */
  SOCKET_BYTES = 16 * 1024 * 1024,
  ACKS_AT_ONCE = 256,
  ACK_BYTES = 256,
  DATAGRAM_BYTES = 32 * 1024, /* the most that a kernel fills */
};

static void fail(const char* what) {
  fprintf(stderr, "bench-scale-floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static int netlink_socket(int protocol) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  const int bytes = SOCKET_BYTES, on = 1;
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  if (fd < 0 || connect(fd, (struct sockaddr*)&kernel, sizeof kernel) != 0) fail("netlink");
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0 ||
      setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on) != 0)
    fail("netlink options");
  if (protocol == NETLINK_ROUTE &&
      setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on) != 0)
    fail("netlink strict checking");
  return fd;
}

static void take_acknowledgements(int fd, uint32_t wanted) {
  static char bytes[ACKS_AT_ONCE][ACK_BYTES];
  static struct iovec parts[ACKS_AT_ONCE];
  static struct mmsghdr headers[ACKS_AT_ONCE];
  for (int i = 0; i < ACKS_AT_ONCE; ++i) {
    parts[i] = (struct iovec){bytes[i], ACK_BYTES};
    headers[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }
  while (wanted > 0) {
    const int count = recvmmsg(fd, headers, ACKS_AT_ONCE, MSG_WAITFORONE, NULL);
    if (count < 0) fail("receive acknowledgements");
    for (int i = 0; i < count; ++i) {
      struct nlmsgerr error;
      memcpy(&error, bytes[i] + NLMSG_HDRLEN, sizeof error);
      errno = -error.error;
      if (errno != 0) fail("the kernel refused a request");
      --wanted;
    }
  }
}

static void send_requests(int fd, const struct floor_section* section, const char* bytes) {
  for (uint32_t sent = 0, messages = 0; sent < section->bytes; messages = 0) {
    uint32_t size = 0;
    while (messages < SEND_MESSAGES && sent + size < section->bytes) {
      struct nlmsghdr header;
      memcpy(&header, bytes + sent + size, sizeof header);
      if (size + NLMSG_ALIGN(header.nlmsg_len) > SEND_BYTES) break;
      size += NLMSG_ALIGN(header.nlmsg_len);
      ++messages;
    }
    if (send(fd, bytes + sent, size, 0) != (ssize_t)size) fail("send requests");
    take_acknowledgements(fd, messages);
    sent += size;
  }
}

/* A dump ends with NLMSG_DONE, the last message of its last datagram. */
static int is_end(const char* bytes, ssize_t size) {
  struct nlmsghdr header;
  const ssize_t end = NLMSG_LENGTH(sizeof(int));
  if (size < end) return 0;
  memcpy(&header, bytes + size - end, sizeof header);
  return header.nlmsg_type == NLMSG_DONE && header.nlmsg_len == end &&
         header.nlmsg_seq == FLOOR_SEQUENCE;
}

static void receive_dump(int fd, const struct floor_section* section, const char* bytes) {
  static char datagram[DATAGRAM_BYTES];
  if (send(fd, bytes, section->bytes, 0) != (ssize_t)section->bytes) fail("send a dump request");
  for (;;) {
    const ssize_t size = recv(fd, datagram, sizeof datagram, 0);
    if (size < 0) fail("receive a dump");
    struct nlmsghdr first;
    memcpy(&first, datagram, sizeof first);
    if (first.nlmsg_type == NLMSG_ERROR) fail("the kernel refused a dump");
    if (is_end(datagram, size)) return;
  }
}

static long bpf(int command, union bpf_attr* attributes) {
  return syscall(__NR_bpf, command, attributes, sizeof *attributes);
}

static int open_map(const char* pin) {
  union bpf_attr attributes = {.pathname = (uint64_t)(uintptr_t)pin};
  const long fd = bpf(BPF_OBJ_GET, &attributes);
  if (fd < 0) fail(pin);
  return (int)fd;
}

static void update_map(int fd, const struct floor_section* section, const char* bytes) {
  for (uint32_t i = 0; i < section->count; ++i) {
    const char* key = bytes + (size_t)i * (section->key_bytes + section->value_bytes);
    union bpf_attr attributes = {.map_fd = (uint32_t)fd,
                                 .key = (uint64_t)(uintptr_t)key,
                                 .value = (uint64_t)(uintptr_t)(key + section->key_bytes)};
    if (bpf(BPF_MAP_UPDATE_ELEM, &attributes) != 0) fail("write a map's entry");
  }
}

static void read_map(int fd, const struct floor_section* section) {
  char cursor[64];
  const uint32_t room = section->count + 1; /* one more, so that the first call sees the end */
  char* keys = malloc((size_t)room * section->key_bytes);
  char* values = malloc((size_t)room * section->value_bytes);
  union bpf_attr attributes = {.batch = {.out_batch = (uint64_t)(uintptr_t)cursor,
                                         .keys = (uint64_t)(uintptr_t)keys,
                                         .values = (uint64_t)(uintptr_t)values,
                                         .count = room,
                                         .map_fd = (uint32_t)fd}};
  if (bpf(BPF_MAP_LOOKUP_BATCH, &attributes) == 0 || errno != ENOENT) fail("read a map");
  free(keys);
  free(values);
}

static char* contents(const char* path, size_t* size) {
  const int fd = open(path, O_RDONLY);
  struct stat found;
  if (fd < 0 || fstat(fd, &found) != 0) fail(path);
  *size = (size_t)found.st_size;
  char* bytes = malloc(*size);
  if (!bytes || read(fd, bytes, *size) != (ssize_t)*size) fail(path);
  close(fd);
  return bytes;
}

static uint64_t carry_out(const struct floor_section* section, const char* bytes, int dump,
                          const char* pin) {
  const int is_map = section->kind == FLOOR_MAP;
  const int fd = is_map ? open_map(pin) : netlink_socket((int)section->kind);
  const uint64_t begin = now();
  if (is_map && dump) read_map(fd, section);
  if (is_map && !dump) update_map(fd, section, bytes);
  if (!is_map && dump) receive_dump(fd, section, bytes);
  if (!is_map && !dump) send_requests(fd, section, bytes);
  const uint64_t taken = now() - begin;
  close(fd);
  return taken;
}

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: bench-scale-floor program|dump FILE PIN\n");
    return 2;
  }
  const int dump = strcmp(argv[1], "dump") == 0;
  size_t size;
  char* bytes = contents(argv[2], &size);
  for (size_t at = 0; at < size;) {
    struct floor_section section;
    memcpy(&section, bytes + at, sizeof section);
    at += sizeof section;
    printf("%llu\n", (unsigned long long)carry_out(&section, bytes + at, dump, argv[3]));
    at += section.bytes;
  }
  free(bytes);
  return 0;
}
