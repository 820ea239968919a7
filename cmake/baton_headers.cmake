# The public headers of each library: what is installed, and what must compile alone.

# baton_public_headers(TARGET floor...): every header in include/baton/FLOOR belongs to TARGET.
function(baton_public_headers target)
  foreach(floor IN LISTS ARGN)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/baton/${floor}/*.hpp)
    list(APPEND headers ${found})
  endforeach()
  target_sources(${target} PUBLIC FILE_SET HEADERS
    BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${headers})
  set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ${BATON_VERIFY_HEADERS})
endfunction()

# A header that does not compile alone breaks the build where the tests are built; once is enough,
# so not in the sanitizer builds again.
if(BATON_TESTS AND NOT BATON_SANITIZE AND NOT BATON_FUZZ)
  set(BATON_VERIFY_HEADERS ON)
else()
  set(BATON_VERIFY_HEADERS OFF)
endif()
baton_public_headers(baton_core base lineage net server)
baton_public_headers(baton_protocol_http http)
if(BATON_GRPC)
  baton_public_headers(baton_protocol_grpc grpc)
endif()
if(BATON_ADMIN)
  baton_public_headers(baton_operations_admin admin)
endif()
if(BATON_CONFIG)
  baton_public_headers(baton_operations_config config)
endif()
if(BATON_ONDEMAND)
  baton_public_headers(baton_ondemand ondemand)
endif()
if(BATON_VERIFY_HEADERS)
  add_custom_target(headers_compile_alone ALL)
  add_dependencies(headers_compile_alone all_verify_interface_header_sets)
endif()
