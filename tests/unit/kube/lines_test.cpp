#include "agent/kube/lines.h"
#include "agent/kube/base64.h"
#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

TEST_CASE("lines come out the same however the bytes arrive") {
  const std::string stream = "first\nsecond\r\n\n\nthird line\nhalf";
  for (size_t piece = 1; piece <= stream.size(); ++piece) {
    LineSplitter lines(100);
    std::vector<std::string> got;
    for (size_t i = 0; i < stream.size(); i += piece) {
      REQUIRE(lines.feed(stream.substr(i, piece)));
      while (auto line = lines.next()) got.push_back(*line);
    }
    CHECK(got == std::vector<std::string>{"first", "second", "third line"});
    CHECK(lines.half_line());
    REQUIRE(lines.feed(" made whole\n"));
    CHECK(lines.next() == "half made whole");
    CHECK_FALSE(lines.next());
    CHECK_FALSE(lines.half_line());
  }
}

TEST_CASE("a line above the limit is refused, many short ones are not") {
  LineSplitter lines(10);
  CHECK(lines.feed("0123456789"));
  CHECK_FALSE(lines.feed("0"));
  LineSplitter others(10);
  CHECK(others.feed("01234567\n01234567\n01234567\n0123456789"));
  CHECK_FALSE(others.feed("0"));
}

TEST_CASE("base64 is taken as RFC 4648 writes it") {
  CHECK(from_base64("") == "");
  CHECK(from_base64("Zg==") == "f");
  CHECK(from_base64("Zm8=") == "fo");
  CHECK(from_base64("Zm9v") == "foo");
  CHECK(from_base64("Zm9v\nYmFy\n") == "foobar");
  CHECK(from_base64("+/+/") == std::string("\xfb\xff\xbf"));
  for (const char* bad : {"Z", "Zg", "Zg=", "Zg=a", "Z===", "====", "Zg==Zg==", "-_-_", "Zm9v!"}) {
    INFO(bad);
    CHECK_FALSE(from_base64(bad));
  }
}

}  // namespace this_file
