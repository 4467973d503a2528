#include <flame/session/test_support/fake_clock.hpp>

int main() { return 0; }
