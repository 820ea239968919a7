#pragma once

#include <boost/json/object.hpp>
#include <memory>

namespace baton {
class server;
}
namespace baton::admin {
class service;
}
namespace baton::http {
class service;
}

/// The admin service that `from` asks for; null if it asks for none.
std::unique_ptr<baton::admin::service> add_admin(baton::server& server, baton::http::service& web,
                                                 const boost::json::object& from);
