#include "agent/files/journal.h"

#include <filesystem>
#include <fstream>
#include <system_error>

#include "tests/harness/catch.h"
#include "tests/harness/temporary_directory.h"

namespace this_file {

using namespace pellicle;

namespace fs = std::filesystem;

namespace {

struct Place {
  TemporaryDirectory directory;
  std::string path = directory.path() + "/file";
  std::string more = path + ".more";

  Journal::Contents read() const { return Journal(path).read(); }
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("journal: what was appended is read after the whole, by the next process too") {
  const Place place;
  Journal journal(place.path);
  CHECK_FALSE(journal.read().whole);
  CHECK_FALSE(journal.written());
  journal.replace("whole\n");
  journal.append("a\nb\n");
  journal.append("c\n");
  CHECK(place.read().whole == "whole\n");
  CHECK(place.read().lines == Lines{"a", "b", "c"});

  Journal next(place.path);
  next.read();
  next.append("d\n");
  CHECK(place.read().lines == Lines{"a", "b", "c", "d"});
  CHECK(next.appended() == fs::file_size(place.more));
}

TEST_CASE("journal: a new whole has no lines, also when the old ones are still there") {
  const Place place;
  Journal journal(place.path);
  journal.replace("one\n");
  journal.append("a\n");
  fs::copy(place.more, place.more + ".kept");
  journal.replace("two\n");
  CHECK(place.read().lines.empty());
  fs::rename(place.more + ".kept", place.more);  // the process ended before it removed the file
  CHECK(place.read().whole == "two\n");
  CHECK(place.read().lines.empty());
  Journal next(place.path);
  next.read();
  next.append("b\n");
  CHECK(place.read().lines == Lines{"b"});
}

TEST_CASE("journal: a line that was cut off does not count, and is not continued") {
  const Place place;
  Journal journal(place.path);
  journal.replace("whole\n");
  journal.append("first\n");
  const auto end = fs::file_size(place.more);
  journal.append("second\n");
  for (auto size = end; size < end + 7; ++size) {
    fs::resize_file(place.more, size);
    INFO("cut at " << size);
    CHECK(place.read().lines == Lines{"first"});
    Journal next(place.path);
    next.read();
    next.append("second\n");
    CHECK(place.read().lines == Lines{"first", "second"});
  }
  for (uintmax_t size = 0; size < end; ++size) {
    fs::resize_file(place.more, size);
    INFO("cut at " << size);
    CHECK(place.read().lines.empty());
    fs::resize_file(place.more, 0);
    Journal next(place.path);
    next.read();
    next.append("first\n");
    CHECK(place.read().lines == Lines{"first"});
  }
}

TEST_CASE("journal: removed or set aside, nothing of it is left") {
  const Place place;
  Journal journal(place.path);
  journal.remove();  // removing an absent file succeeds
  journal.replace("whole\n");
  journal.append("a\n");
  journal.set_aside(place.path + ".aside");
  CHECK(fs::exists(place.path + ".aside"));
  CHECK_FALSE(fs::exists(place.more));
  CHECK_FALSE(place.read().whole);
  journal.replace("whole\n");
  journal.append("b\n");
  journal.remove();
  CHECK_FALSE(fs::exists(place.path));
  CHECK_FALSE(fs::exists(place.more));
}

TEST_CASE("journal: a full disk is an error that names the file, and nothing of a line stays") {
  const Place place;
  Journal journal(place.path);
  journal.replace("whole\n");
  fs::create_symlink("/dev/full", place.more);
  CHECK_THROWS_AS(journal.append("a\n"), std::system_error);
  try {
    journal.append("a\n");
    FAIL("written to a full disk");
  } catch (const std::system_error& error) {
    CHECK(std::string(error.what()).find("write " + place.more) == 0);
  }
  fs::remove(place.more);
  CHECK(place.read().lines.empty());
  CHECK(place.read().whole == "whole\n");
}

}  // namespace this_file
