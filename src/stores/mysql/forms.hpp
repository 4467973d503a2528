#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <flame/session/store_url.hpp>

namespace flame::inline v0::session::mysql {

/// The statements. Those for many records are made for `n` of them; the placeholders stand in the
/// order that batch.cpp binds in.
enum class Form : std::uint8_t {
  load,         ///< n keys: all columns
  look,         ///< the same, without owner and content
  create,       ///< n records, all or none: error 1048 where a key is taken
  create_over,  ///< one record, and the time: also over one that has expired
  replace,      ///< n records
  touch,        ///< n
  erase,        ///< n keys
  expired,      ///< up to a number of keys
  sweep,        ///< n keys, and the time
  list,         ///< a page of an owner's, without content
  scan,         ///< a page of all keys
};

inline constexpr std::size_t form_count = 11;

/// `db`.`table`, or `table`.
[[nodiscard]] std::string quoted(const TableName& name);
[[nodiscard]] std::string sql(Form form, std::size_t n, const TableName& table);

}  // namespace flame::inline v0::session::mysql
