#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <cstdlib>

// Catch2's own main, plus NO_COLOR: the colour options differ between versions.
int main(int argc, char** argv) {
  Catch::Session session;
  if (std::getenv("NO_COLOR") != nullptr) {
#ifdef CATCH_CONFIG_RUNNER
    session.configData().useColour = Catch::UseColour::No;
#else
    session.configData().defaultColourMode = Catch::ColourMode::None;
#endif
  }
  return session.run(argc, argv);
}
