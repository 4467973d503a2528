#pragma once

#include <flame/flame.hpp>
#include <flame/sessioner.hpp>

/// All of the shop but its address and store: for main() and for the tests, whose clock is their
/// own.
flame::Flame make_shop(flame::session::StorePtr store,
                       flame::session::Environment environment = {});
