#include <gtest/gtest.h>

#include "lineage/origin.hpp"
#include "unit/lineage/child_program.hpp"

int main(int argc, char** argv) {
  // Before anything changes the environment or the working directory.
  static_cast<void>(baton::lineage::origin());
  if (argc > 1 && std::string_view{argv[1]} == "--child") return run_child({argv + 2, argv + argc});
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
