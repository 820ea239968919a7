#include <gtest/gtest.h>

#include <cstdlib>

#include "unit/lineage/supervised_service.hpp"

/// The program is its own service: see running_service.hpp.
int main(int argc, char** argv) {
  if (std::getenv(baton::lineage::testing::service_variable) != nullptr)
    return baton::lineage::testing::run_supervised_service();
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
