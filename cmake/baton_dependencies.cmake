# Debian 12: libboost1.81-dev libboost-json1.81-dev libfmt-dev libspdlog-dev libssl-dev
# libnghttp2-dev zlib1g-dev; later releases ship newer ones under the same or shorter names.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(fmt REQUIRED)
find_package(nghttp2 1.52 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED COMPONENTS SSL)
find_package(spdlog REQUIRED)
find_package(ZLIB REQUIRED)
if(BATON_ADMIN)
  find_package(prometheus_core REQUIRED)  # prometheus-cpp-dev
endif()
if(BATON_CONFIG)
  find_package(yaml-cpp REQUIRED)  # libyaml-cpp-dev
endif()
if(BATON_GRPC)
  find_package(Protobuf REQUIRED)  # libprotobuf-dev, protobuf-compiler
  find_package(gRPC CONFIG REQUIRED)  # libgrpc++-dev, protobuf-compiler-grpc
endif()
