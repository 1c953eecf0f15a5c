#include "agent/kube/key_records.h"

#include "agent/clock.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

TEST_CASE("key records: since when the Secret has its key") {
  const auto since = KeySince::parse("4 2026-11-26T08:04:08Z");
  REQUIRE(since);
  CHECK(since->id == 4);
  CHECK(time_text(since->since) == "2026-11-26T08:04:08Z");
  CHECK(since->text() == "4 2026-11-26T08:04:08Z");
  for (const char* other : {"", "4", "4 ", "0 2026-11-26T08:04:08Z", "16 2026-11-26T08:04:08Z",
                            "x 2026-11-26T08:04:08Z", "4 2026-11-26", "4 2026-02-30T08:04:08Z",
                            "4 6026-11-26T08:04:08Z", "4 0001-01-01T00:00:00Z",
                            "4 2026-11-26T08:04:08Z ", "4 2026-11-26T08:04:08+01:00"}) {
    CAPTURE(other);
    CHECK_FALSE(KeySince::parse(other));
  }
}

TEST_CASE("key records: a Secret says it in an annotation, or does not") {
  const auto read = [](const std::string& metadata) {
    return key_since({.name = "keys", .text = R"({"metadata":)" + metadata + "}"});
  };
  CHECK(read(R"({"annotations":{"pellicle.io/key-since":"15 2026-11-26T08:04:08Z"}})")->id == 15);
  for (const char* other : {"{}", R"({"annotations":{}})", R"({"annotations":[]})",
                            R"({"annotations":{"pellicle.io/key-since":4}})",
                            R"({"annotations":{"pellicle.io/key-since":"soon"}})"}) {
    CAPTURE(other);
    CHECK_FALSE(read(other));
  }
  CHECK_FALSE(key_since({.name = "keys", .text = "no JSON"}));
}

TEST_CASE("key records: how much of its sequence numbers a node has used") {
  CHECK(SequenceUse::parse("4/30") == SequenceUse{.key_id = 4, .percent = 30});
  CHECK(SequenceUse{.key_id = 15, .percent = 100}.text() == "15/100");
  for (const char* other : {"", "4", "4/", "/30", "0/30", "16/30", "4/101", "4/-1", "4/30 "}) {
    CAPTURE(other);
    CHECK_FALSE(SequenceUse::parse(other));
  }
}

}  // namespace this_file
