// The memory cost of listing a large cluster, counted by AddressSanitizer (preset dev).
#ifdef __SANITIZE_ADDRESS__
#include <algorithm>

#include "agent/kube/list_watch.h"
#include "agent/kube/store.h"
#include "tests/harness/catch.h"

// From <sanitizer/allocator_interface.h>, which Debian's gcc does not ship.
extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void*, size_t),
                                              void (*freed)(const volatile void*));
int __sanitizer_get_ownership(const volatile void*);
size_t __sanitizer_get_allocated_size(const volatile void*);
}

namespace this_file {

using namespace pellicle;

namespace {

size_t g_live = 0;  // bytes allocated since the hooks were installed
size_t g_peak = 0;

void allocated(const volatile void* /*memory*/, size_t size) {
  g_live += size;
  g_peak = std::max(g_peak, g_live);
}

void freed(const volatile void* memory) {
  if (memory != nullptr && __sanitizer_get_ownership(memory) != 0) {
    g_live -= __sanitizer_get_allocated_size(memory);
  }
}

constexpr int kNodesInAPage = kPageSize;
constexpr size_t kSizeOfANode = 20'000;  // bytes of JSON, as in the seed's cluster

// Mostly managedFields, images and conditions, like a real Node.
std::string real_size_node(int number) {
  const auto text = std::to_string(number);
  std::string node = R"({"metadata":{"name":"node-)" + text +
                     R"(","uid":"44444444","resourceVersion":")" + text +
                     R"(","annotations":{"network.cilium.io/ipv4-cilium-host":"10.)" +
                     std::to_string(number / 250) + "." + std::to_string(number % 250) +
                     R"(.7","network.cilium.io/encryption-key":"3","example.com/notes":")" +
                     std::string(2000, 'n') + R"("},"managedFields":[)";
  for (int i = 0; i < 40; ++i) {
    node += std::string(i ? "," : "") +
            R"({"manager":"kubelet","operation":"Update","fieldsV1":{"f:status":{"f:conditions":{)"
            R"("k:{\"type\":\"Ready\"}":{"f:lastHeartbeatTime":{},"f:message":{}}}}}})";
  }
  node += R"(]},"spec":{"podCIDRs":["10.)" + std::to_string(number / 250) + "." +
          std::to_string(number % 250) +
          R"(.0/24"]},"status":{"addresses":[{"type":"InternalIP","address":"172.)" +
          std::to_string(16 + number / 250) + "." + std::to_string(number % 250) +
          R"(.2"}],"conditions":[)";
  for (int i = 0; i < 6; ++i) {
    node += std::string(i ? "," : "") + R"({"type":"Ready","message":")" + std::string(200, 'm') +
            "\"}";
  }
  node += R"(],"images":[)";
  for (int i = 0; node.size() < kSizeOfANode; ++i) {
    node += std::string(i ? "," : "") + R"({"names":["registry.example/image@sha256:)" +
            std::string(64, 'd') + R"("],"sizeBytes":4711})";
  }
  return node + "]}}";
}

std::string page_of(int first, bool last) {
  std::string body;
  body.reserve(kNodesInAPage * (kSizeOfANode + 500));  // exactly enough
  body += R"({"metadata":{"resourceVersion":"77","continue":")" + std::string(last ? "" : "more") +
          R"("},"items":[)";
  for (int i = 0; i < kNodesInAPage; ++i) body += (i ? "," : "") + real_size_node(first + i);
  body += "]}";
  return body;
}

struct Cost {
  size_t peak = 0;  // bytes above the use before the list
  size_t nodes = 0;
  size_t kept = 0;  // by the store, at the end
};

Cost cost_of_listing(int pages) {
  const size_t before = g_live;
  g_peak = g_live;
  Cost cost;
  Store store;
  {
    ListWatch state{.resource = {.title = "nodes", .path = "/api/v1/nodes"}, .seed = 7};
    state = step(std::move(state), Tick{}).state;
    for (int i = 0; i < pages; ++i) {
      ListAnswered answer{.now = {}, .response = {.status = 200, .body = {}}};
      answer.response.body = page_of(i * kNodesInAPage, i + 1 == pages);
      auto next = step(std::move(state), std::move(answer));
      state = std::move(next.state);
      for (auto& action : next.actions) {
        if (const auto* set = std::get_if<Synced>(&action)) store.nodes_listed(set->objects);
      }
    }
  }
  cost.peak = g_peak - before;
  cost.kept = g_live - before;
  store.secret_listed({});
  cost.nodes = store.snapshot()->nodes.size();
  return cost;
}

}  // namespace

TEST_CASE("a list of 5000 Nodes of 20 kB costs one page, and a kilobyte or two for each Node") {
  REQUIRE(__sanitizer_install_malloc_and_free_hooks(allocated, freed) != 0);
  const auto one = cost_of_listing(1);
  const auto ten = cost_of_listing(10);
  CAPTURE(one.peak, one.kept, ten.peak, ten.kept);
  CHECK(one.nodes == kNodesInAPage);
  CHECK(ten.nodes == 10 * kNodesInAPage);
  const size_t page = page_of(0, true).size();
  CHECK(page > kNodesInAPage * kSizeOfANode);
  CHECK(one.peak > page);          // the hooks counted the page itself
  CHECK(one.peak < page / 2 * 3);  // includes what decoding allocates meanwhile
  CHECK(ten.peak - one.peak < 9 * kNodesInAPage * size_t{2500});
  CHECK(ten.kept < 10 * kNodesInAPage * size_t{2500});
}
#endif

}  // namespace this_file
