// Reads past the end of what it has, which the address and the undefined-behaviour sanitizer both
// report.

int main(int argc, char**) {
  static volatile int few[2] = {};
  return few[argc + 1];
}
