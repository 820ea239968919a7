# baton_proto_library(TARGET file.proto...): the messages and services of .proto files as a library,
# for the tests, the demonstrations and the benchmarks. Its headers: #include "file.grpc.pb.h".
# Files that import one another stand in the same folder.
function(baton_proto_library target)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}.proto)
  foreach(file IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH file NORMALIZE)
    cmake_path(GET file PARENT_PATH from)
    cmake_path(GET file STEM LAST_ONLY name)
    set(made ${folder}/${name}.pb.cc ${folder}/${name}.grpc.pb.cc)
    set(headers ${folder}/${name}.pb.h ${folder}/${name}.grpc.pb.h)
    add_custom_command(OUTPUT ${made} ${headers}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
      COMMAND protobuf::protoc --proto_path=${from} --cpp_out=${folder} --grpc_out=${folder}
              --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin> ${file}
      DEPENDS ${file} VERBATIM)
    list(APPEND sources ${made} ${headers})
  endforeach()
  add_library(${target} STATIC ${sources})
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} SYSTEM PUBLIC ${folder})
  # The sanitizers of this build, but no warnings: nobody here writes this code.
  target_compile_options(${target} PRIVATE -w)
  target_link_libraries(${target} PUBLIC gRPC::grpc++ protobuf::libprotobuf PRIVATE baton_flags)
endfunction()
