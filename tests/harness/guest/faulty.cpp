// Reads past the end of an array, which both the address and the undefined-behaviour sanitizer
// report.

int main(int argc, char**) {
  static volatile int few[2] = {};
  return few[argc + 1];
}
