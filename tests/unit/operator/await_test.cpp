#include "tools/operator/await.h"

#include "tests/unit/kube/api_server.h"

namespace this_file {

using namespace pellicle;

namespace {

api::Json daemonset(int generation, int observed, int wanted, int ready) {
  return {
      {"kind", "DaemonSet"},
      {"metadata", {{"name", "cleanup"}, {"namespace", "kube-system"}, {"generation", generation}}},
      {"status",
       {{"observedGeneration", observed},
        {"desiredNumberScheduled", wanted},
        {"numberReady", ready}}}};
}

}  // namespace

TEST_CASE("a DaemonSet is ready when all its pods are, of the spec as it is now") {
  CHECK(daemonset_progress(daemonset(1, 1, 3, 3).dump()).empty());
  CHECK(daemonset_progress(daemonset(1, 1, 0, 0).dump()).empty());
  CHECK(daemonset_progress(daemonset(1, 1, 5, 3).dump()) == "3 of 5 nodes are ready");
  CHECK(daemonset_progress(daemonset(2, 1, 3, 3).dump()) == "its pods are not made yet");
  for (const char* odd : {"", "[]", "{}", R"({"status": 5})"}) {
    CHECK(daemonset_progress(odd) == "its pods are not made yet");
  }
}

TEST_CASE("who waits sees the last node become ready, or gives up") {
  ApiServer server;
  ApiClient client(server.io, server.access());
  server.api.create(daemonset(1, 1, 3, 2));
  int status = -1;
  const auto done = [&](int outcome) { status = outcome; };
  DaemonsetAwait await(server.io, client, "kube-system/cleanup", std::chrono::seconds(60), done);
  await.start();
  REQUIRE(server.api.wait_for_request(
      [](const auto& seen) { return seen.resource == "daemonsets"; }, std::chrono::seconds(20)));
  server.api.update(daemonset(1, 1, 3, 3));
  REQUIRE(server.until([&] { return status >= 0; }));
  CHECK(status == 0);

  status = -1;
  DaemonsetAwait never(server.io, client, "kube-system/absent", std::chrono::seconds(0), done);
  never.start();
  REQUIRE(server.until([&] { return status >= 0; }));
  CHECK(status == 1);
  CHECK_THROWS_WITH(DaemonsetAwait(server.io, client, "absent", std::chrono::seconds(0), done),
                    "await-daemonset absent: expected NAMESPACE/NAME");
}

}  // namespace this_file
