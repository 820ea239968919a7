# prometheus_core::prometheus_core, the core of prometheus-cpp. Its own CMake package asks for what
# its HTTP server and its push gateway need (civetweb, curl), of which the core uses nothing.
find_path(prometheus_core_INCLUDE_DIR prometheus/metric_family.h)
find_library(prometheus_core_LIBRARY prometheus-cpp-core)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(prometheus_core
  REQUIRED_VARS prometheus_core_LIBRARY prometheus_core_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "install prometheus-cpp-dev, or do without baton::admin: -DBATON_ADMIN=OFF")
mark_as_advanced(prometheus_core_INCLUDE_DIR prometheus_core_LIBRARY)

if(prometheus_core_FOUND AND NOT TARGET prometheus_core::prometheus_core)
  add_library(prometheus_core::prometheus_core UNKNOWN IMPORTED)
  set_target_properties(prometheus_core::prometheus_core PROPERTIES
    IMPORTED_LOCATION ${prometheus_core_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${prometheus_core_INCLUDE_DIR})
endif()
