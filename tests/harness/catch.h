// The one place that names the test library's header: version 2 here, version 3 in newer
// distributions.
#pragma once

#include <catch2/catch.hpp>
