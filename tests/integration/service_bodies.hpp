#pragma once

#include "baton/http/service.hpp"

/// Handlers that take and give bodies piece by piece, and that a test can hold up:
///   any  /sum      reads all, and answers the length; X-Mark among the trailers comes back as one
///   any  /held     the same, but reads nothing before /go-on was asked for
///   any  /go-on    lets all of those read; answers how many
///   get  /endless  a body that never ends
///   get  /written  the bytes that /endless has been allowed to write so far
void add_bodies(baton::http::service& web);
