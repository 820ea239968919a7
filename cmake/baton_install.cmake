# What `cmake --install` puts down, and how other projects find it: find_package(baton), pkg-config.
include(CMakePackageConfigHelpers)

# An installed library must not take orders from the environment of whoever starts it.
if(BATON_FAULT_POINTS)
  install(CODE "message(FATAL_ERROR \"This build was configured with BATON_FAULT_POINTS=ON: the \
environment variable BATON_FAULT would tell it where to die. It is for tests and cannot be \
installed. Configure with the preset `release`, or with -DBATON_FAULT_POINTS=OFF, and install \
that.\")")
endif()

set(baton_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/baton)

# baton_install_library(COMPONENT TARGET): archive, headers and export of one component.
function(baton_install_library component target)
  install(TARGETS ${target} EXPORT baton_${component}_targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT baton_${component}_targets NAMESPACE baton:: DESTINATION ${baton_package_dir}
    FILE baton-${component}-targets.cmake)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/baton-${component}.pc.in
                 ${PROJECT_BINARY_DIR}/baton-${component}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/baton-${component}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# The prefix as the .pc files see it: relative to themselves, so that a tree can be moved.
file(RELATIVE_PATH baton_prefix_from_pc ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})

baton_install_library(core baton_core)
baton_install_library(http baton_protocol_http)
set(baton_components core http)
if(BATON_GRPC)
  baton_install_library(grpc baton_protocol_grpc)
  list(APPEND baton_components grpc)
endif()
if(BATON_ADMIN)
  baton_install_library(admin baton_operations_admin)
  list(APPEND baton_components admin)
endif()
if(BATON_CONFIG)
  baton_install_library(config baton_operations_config)
  list(APPEND baton_components config)
endif()
if(BATON_ONDEMAND)
  baton_install_library(ondemand baton_ondemand)
  list(APPEND baton_components ondemand)
endif()
list(JOIN baton_components " " baton_components)

foreach(program IN ITEMS baton_program baton-ondemand)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/baton-config.cmake.in
  ${PROJECT_BINARY_DIR}/baton-config.cmake INSTALL_DESTINATION ${baton_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/baton-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/baton-config.cmake
  ${PROJECT_BINARY_DIR}/baton-config-version.cmake
  ${PROJECT_SOURCE_DIR}/cmake/Findnghttp2.cmake
  ${PROJECT_SOURCE_DIR}/cmake/Findprometheus_core.cmake DESTINATION ${baton_package_dir})
