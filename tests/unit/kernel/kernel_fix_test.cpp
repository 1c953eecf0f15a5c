#include "agent/kernel/kernel_fix.h"

#include "tests/harness/catch.h"

namespace this_file {

using namespace pellicle;

TEST_CASE("kernel fix: releases of kernel.org are known, with what their builder adds") {
  for (const char* release :
       {"6.6.138", "6.6.140-custom", "6.12.87", "6.18.44-fc-v857", "7.0.6", "7.1.0", "7.2.1-rc3"}) {
    CAPTURE(release);
    CHECK(has_esp_fix(release) == HasFix::yes);
  }
  for (const char* release : {"6.6.137", "6.12.86-custom", "6.18.27", "7.0.5"}) {
    CAPTURE(release);
    CHECK(has_esp_fix(release) == HasFix::no);
  }
}

TEST_CASE("kernel fix: of vendors' kernels and of other branches nothing is claimed") {
  for (const char* release : {"6.1.0-57-amd64",
                              "6.12.90+deb13-amd64",
                              "6.12.86+deb13-cloud-amd64",  // Debian
                              "6.8.0-57-generic",
                              "6.8.0-1021-aws",
                              "7.0.0-14-generic",  // Ubuntu
                              "5.14.0-503.el9.x86_64",
                              "6.12.0-55.9.1.el10_0.x86_64",  // RHEL
                              "6.1.141-155.222.amzn2023.x86_64",
                              "6.12.90-1.amzn2023.x86_64",  // Amazon
                              "6.6.121.1-1.azl3",
                              "6.8.0-1021-azure",  // Azure
                              "6.6.87+",
                              "6.6.140+",                 // COS
                              "6.4.0-150600.23-default",  // SUSE
                              "6.8.12",
                              "5.15.190",
                              "6.1.180",
                              "6.19.3",
                              "odd",
                              "6.12",
                              ""}) {
    CAPTURE(release);
    CHECK(has_esp_fix(release) == HasFix::unknown);
  }
}

TEST_CASE("kernel fix: the releases that have it are named") {
  CHECK(esp_fix_releases() == "Linux 6.6.138, 6.12.87, 6.18.28 and 7.0.6 have a fix");
  CHECK(about_esp_fix("6.12.90") == "this kernel (6.12.90) has it");
  CHECK(about_esp_fix("6.12.80") == "this kernel (6.12.80) does not");
  CHECK(about_esp_fix("6.8.0-57-generic") ==
        "whether this kernel (6.8.0-57-generic) has it, its vendor knows");
}

}  // namespace this_file
