// A Node's announcement of pair keys: what is read, and each error.
#include "agent/kube/decode.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

namespace {

DecodedNode decode(const std::string& annotations) {
  return decode_node(
      {.name = "worker",
       .text = R"({"metadata":{"name":"worker","annotations":)" + annotations + "}}"});
}

const std::string kBoot = "11111111-1111-1111-1111-11111111aBcD";

}  // namespace

TEST_CASE("pair keys: boot id, epochs and what is received are read") {
  const auto decoded =
      decode(R"({"pellicle.io/boot-id":")" + kBoot +
             R"(","pellicle.io/epochs":"0x10a018a0/0  0x15b73e20/18446744073709551615",)"
             R"("pellicle.io/receives":"0x1abcdef0"})");
  CHECK(decoded.problems.empty());
  CHECK(decoded.node.boot_id == kBoot);
  CHECK(decoded.node.epochs ==
        std::vector<Epoch>{{.spi = 0x10a018a0}, {.spi = 0x15b73e20, .generation = UINT64_MAX}});
  CHECK(decoded.node.receives == std::set<uint32_t>{0x1abcdef0});
  CHECK(decoded.annotations.size() == 3);
  const auto none = decode(R"({"pellicle.io/receives":""})");
  CHECK(none.problems.empty());
  CHECK(none.node.receives.empty());
}

TEST_CASE("pair keys: what cannot be read is named, and the last good value stays") {
  struct Row {
    std::string name;
    std::string value;
    NodeField field;
  };
  const std::vector<Row> rows = {
      {"boot-id", "11111111", NodeField::boot_id},
      {"boot-id", kBoot + "0", NodeField::boot_id},
      {"boot-id", std::string(36, 'g'), NodeField::boot_id},
      {"epochs", "0x10a018a0", NodeField::epochs},
      {"epochs", "0x10a018a3/0", NodeField::epochs},
      {"epochs", "0x3/0", NodeField::epochs},
      {"epochs", "0x20a018a0/0", NodeField::epochs},
      {"epochs", "10a018a0/0", NodeField::epochs},
      {"epochs", "0x10a018a0/-1", NodeField::epochs},
      {"epochs", "0x10a018a0/18446744073709551616", NodeField::epochs},
      {"epochs", "0x10a018a0/1,0x10a018b0/2", NodeField::epochs},
      {"epochs", "0x10000010/0 0x10000020/1 0x10000030/2 0x10000040/3 0x10000050/4",
       NodeField::epochs},
      {"receives", "0x10a018a0/0", NodeField::receives},
      {"receives", "yes", NodeField::receives},
  };
  const Node last_good{.name = "worker",
                       .boot_id = kBoot,
                       .epochs = {{.spi = 0x10a018a0}},
                       .receives = {0x1abcdef0}};
  for (const auto& row : rows) {
    INFO(row.name << " " << row.value);
    const auto decoded = decode(R"({"pellicle.io/)" + row.name + R"(":")" + row.value + R"("})");
    CHECK(decoded.malformed == std::set{row.field});
    REQUIRE(decoded.problems.size() == 1);
    CHECK(decoded.problems[0].field == "metadata.annotations[pellicle.io/" + row.name + "]");
    const auto kept = merged(last_good, decoded);
    const auto is = [&](NodeField one) { return row.field == one; };
    CHECK(kept.boot_id == (is(NodeField::boot_id) ? kBoot : ""));
    CHECK(kept.epochs.size() == (is(NodeField::epochs) ? 1 : 0));
    CHECK(kept.receives.size() == (is(NodeField::receives) ? 1 : 0));
  }
}

}  // namespace this_file
