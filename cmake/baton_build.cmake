# How every target of this project is compiled.
include(GNUInstallDirs)

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

find_program(BATON_CCACHE ccache)
if(BATON_CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${BATON_CCACHE})
endif()
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
endif()

# Flags for our own sources only; users of the installed library see none of this.
add_library(baton_flags INTERFACE)
target_compile_options(baton_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                       -Woverloaded-virtual $<$<BOOL:${BATON_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # The code is position independent for users who link it into a shared library; nobody replaces
  # single functions of it at run time, so calls inside a file may be inlined all the same.
  target_compile_options(baton_flags INTERFACE -fno-semantic-interposition)
  # False positives of g++ 12 in inlined library code.
  target_compile_options(baton_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized
                         -Wno-stringop-overread -Wno-array-bounds -Wno-dangling-pointer)
  if(BATON_SANITIZE STREQUAL "thread")
    target_compile_options(baton_flags INTERFACE -Wno-tsan)  # fences in Asio
  endif()
endif()
if(BATON_SANITIZE)
  target_compile_options(baton_flags INTERFACE -fsanitize=${BATON_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  if(BATON_SANITIZE MATCHES "undefined")
    # The vptr check opens a pipe of its own: a false alarm where descriptors are used up (F32).
    target_compile_options(baton_flags INTERFACE -fno-sanitize=vptr)
  endif()
  target_link_options(baton_flags INTERFACE -fsanitize=${BATON_SANITIZE})
endif()
if(BATON_FUZZ)
  target_compile_options(baton_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# baton_layer(NAME base USES layer... SOURCES ... HEADERS ...): one floor's folder as an object
# library. A floor sees the floors named in USES and nothing else.
function(baton_layer)
  cmake_parse_arguments(ARG "" "NAME" "USES;LINKS;SOURCES" ${ARGN})
  set(target baton_${ARG_NAME})
  add_library(${target} OBJECT ${ARG_SOURCES})
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_definitions(${target} PUBLIC BOOST_ASIO_SEPARATE_COMPILATION)
  if(BATON_FAULT_POINTS)
    target_compile_definitions(${target} PRIVATE BATON_FAULT_POINTS)
  endif()
  target_link_libraries(${target} PUBLIC ${ARG_LINKS} PRIVATE $<BUILD_INTERFACE:baton_flags>)
  foreach(layer IN LISTS ARG_USES)
    target_link_libraries(${target} PUBLIC baton_${layer})
  endforeach()
endfunction()
