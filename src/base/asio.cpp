// Asio is compiled here once; every other translation unit only declares it
// (BOOST_ASIO_SEPARATE_COMPILATION).
#include <boost/asio/impl/src.hpp>
