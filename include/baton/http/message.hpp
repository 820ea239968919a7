#pragma once

// What is said in HTTP: requests and responses.
#include "baton/http/request.hpp"   // IWYU pragma: export
#include "baton/http/response.hpp"  // IWYU pragma: export
