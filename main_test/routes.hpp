#pragma once

#include "baton/http/service.hpp"

/// What the demonstration answers: /ping, /echo, /bytes, /slow, /stream, /upload, /events.
void add_routes(baton::http::service& web);

/// A WebSocket at /ws that gives back whatever it is sent; `deflate`: compressed where the client
/// offers it.
void add_echo(baton::http::service& web, bool deflate);
