// The only place that includes the test library's headers: version 3 if present, else version 2.
#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_approx.hpp>
#include <catch2/catch_message.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_adapters.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <string>

// Version 2's names for what version 3 names differently.
namespace Catch {
namespace Matchers {
inline StringContainsMatcher Contains(const std::string& part) {
  return ContainsSubstring(part);
}
}  // namespace Matchers
using Matchers::Contains;
using Matchers::StartsWith;
}  // namespace Catch
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
