#pragma once

#include <dlfcn.h>

#include "hung_name.hpp"

/// In the place of the C library's, of the whole program: for one file of each.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                           addrinfo** found) {
  flame::session::tests::HungLookup::look_up(name, hints);
  const auto system = reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return system(name, service, hints, found);
}
