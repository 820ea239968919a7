#pragma once

#include <boost/json.hpp>

#include "baton/http/service.hpp"

/// Logs as the JSON file wants them: log {level, format, file, queue} and access_log {file, format,
/// sample, queue}. And, for a test to turn at run time:
///   get  /say/{level}/{count}  logs that many lines of that level
///   get  /log-level/{level}    changes the least level
///   get  /reopen               opens both files anew
///   get  /log-counts           "written dropped", of the log and of the access log
///   get  /trace                the request's trace id, span id and parent's span id
void configure_logs(const boost::json::object& from);
void add_logs(baton::http::service& web, const boost::json::object& from);
