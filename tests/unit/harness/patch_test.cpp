#include "tests/harness/api/patch.h"

#include "tests/harness/api/refusal.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle::api;

namespace {

Json json(const char* text) {
  return Json::parse(text);
}

const char* const kNode = R"({
  "metadata": {"annotations": {"a": "1", "b": "2"}, "finalizers": ["x", "y"]},
  "spec": {"taints": [{"key": "one"}], "podCIDRs": ["10.0.1.0/24"]},
  "status": {"addresses": [{"type": "InternalIP", "address": "1.1.1.1"},
                           {"type": "Hostname", "address": "n"}]}})";

Json strategic(const char* patch) {
  return strategic_merge_patch(json(kNode), json(patch));
}

}  // namespace

TEST_CASE("a merge patch merges maps, removes by null and replaces lists") {
  const Json patched = merge_patch(json(kNode), json(R"({
    "metadata": {"annotations": {"a": "9", "b": null, "c": "3"}},
    "status": {"addresses": [{"type": "InternalIP", "address": "2.2.2.2"}]}})"));
  CHECK(patched["metadata"]["annotations"] == json(R"({"a": "9", "c": "3"})"));
  CHECK(patched["status"]["addresses"].size() == 1);
  CHECK(patched["spec"] == json(kNode)["spec"]);
}

TEST_CASE("a strategic patch of maps does what a merge patch does") {
  const char* patch = R"({"metadata": {"annotations": {"a": "9", "b": null, "c": "3"}}})";
  CHECK(strategic(patch) == merge_patch(json(kNode), json(patch)));
}

TEST_CASE("a strategic patch merges a Node's addresses by type") {
  const Json patched = strategic(R"({"status": {"addresses": [
      {"type": "InternalIP", "address": "2.2.2.2"}, {"type": "ExternalIP", "address": "3.3.3.3"}]}})");
  CHECK(patched["status"]["addresses"] == json(R"([
      {"type": "InternalIP", "address": "2.2.2.2"}, {"type": "Hostname", "address": "n"},
      {"type": "ExternalIP", "address": "3.3.3.3"}])"));
}

TEST_CASE("a strategic patch replaces lists that have no merge key and unites sets") {
  const Json patched = strategic(R"({"metadata": {"finalizers": ["y", "z"]},
                                     "spec": {"taints": [{"key": "two"}]}})");
  CHECK(patched["spec"]["taints"] == json(R"([{"key": "two"}])"));
  CHECK(patched["metadata"]["finalizers"] == json(R"(["x", "y", "z"])"));
}

TEST_CASE("a strategic patch obeys its directives") {
  CHECK(strategic(R"({"status": {"addresses": [{"type": "Hostname", "$patch": "delete"}]}})")
            ["status"]["addresses"] == json(R"([{"type": "InternalIP", "address": "1.1.1.1"}])"));
  CHECK(strategic(R"({"status": {"addresses": [{"$patch": "replace"},
                                               {"type": "Hostname", "address": "m"}]}})")
            ["status"]["addresses"] == json(R"([{"type": "Hostname", "address": "m"}])"));
  CHECK(strategic(
            R"({"metadata": {"annotations": {"$patch": "replace", "z": "1"}}})")["metadata"]
                                                                                ["annotations"] ==
        json(R"({"z": "1"})"));
  CHECK(
      strategic(R"({"metadata": {"$deleteFromPrimitiveList/finalizers": ["x"]}})")["metadata"]
                                                                                  ["finalizers"] ==
      json(R"(["y"])"));
  CHECK(strategic(R"({"status": {"$setElementOrder/addresses": [{"type": "Hostname"}]}})") ==
        json(kNode));
}

TEST_CASE("a strategic patch is refused without a merge key or with an unknown directive") {
  CHECK_THROWS_AS(strategic(R"({"status": {"addresses": [{"address": "2.2.2.2"}]}})"), Refusal);
  CHECK_THROWS_AS(strategic(R"({"spec": {"$patch": "explode"}})"), Refusal);
}

}  // namespace this_file
