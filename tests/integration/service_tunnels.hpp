#pragma once

#include "baton/http/service.hpp"

/// What a proxy asks of baton::http:
///   any  /tunnel        Upgrade: raw (or websocket): echoes raw bytes, ends when the client has
///   ended,
///                       says "draining" and ends at a drain; the log has how each one ended
///   any  /deaf          the same protocol, but it hears nothing and ends never
///   any  /cut           the same protocol, cut at the first bytes
///   get  /hints         103 with Link, 102, then "hinted"
///   any  /declared/{n}  n bytes in pieces, with their length declared
///   any  /silent        an answer without a word about its length to HEAD
///   get  /short         half of what was declared, then `finish`
///   get  /broken/{how}  "declared" or "chunked": half of a body, then `abandon`
void add_tunnels(baton::http::service& web);
