// Does what the undefined-behaviour sanitizer reports.
#include <climits>

int main(int argc, char**) {
  const int more = INT_MAX - 1 + argc;
  return more + argc > 0 ? 0 : 1;
}
