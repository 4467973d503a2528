#include "scripts.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

#include "value.hpp"

namespace flame::inline v0::session::redis {
namespace {

std::string sha1(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
    throw std::runtime_error("OpenSSL has no SHA-1, which Redis names scripts by");
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    constexpr std::string_view digits = "0123456789abcdef";
    out.append({digits[digest[i] >> 4], digits[digest[i] & 15]});
  }
  return out;
}

Script script(std::string text) {
  auto hash = sha1(text);
  return {std::move(text), std::move(hash)};
}

// What read_value() reads. Offsets in strings count from 1 here, those of GETRANGE and SETRANGE
// from 0.
constexpr const char* begin = R"(
local k,now=KEYS[1],tonumber(ARGV[1])
local h=redis.call('GETRANGE',k,0,373)
local e,s,n
if string.byte(h)==49 and string.find(string.sub(h,10,54),'^%d+$') then
  n=tonumber(string.sub(h,52,54))
  if n and n<=320 and #h>=54+n then
    e,s=tonumber(string.sub(h,10,23)),tonumber(string.sub(h,24,37))
  end
end
)";
static_assert(most_header == 374 && header_size == 54 && max_owner == 320);

}  // namespace

// Prunes by the earlier of two clocks, and an hour late: a wrong one must not take a session out of
// the index that lives.
const Script& index_script() {
  static const Script made = script(R"(
local k,ttl,t=KEYS[1],tonumber(ARGV[2]),redis.call('TIME')
local now=math.min(tonumber(ARGV[1]),t[1]*1000+math.floor(t[2]/1000))
redis.call('ZADD',k,'GT',ARGV[3],ARGV[4])
redis.call('ZREMRANGEBYSCORE',k,'-inf','('..string.format('%.0f',now-3600000))
ttl=ttl+3600000
if redis.call('PTTL',k)<ttl then redis.call('PEXPIRE',k,string.format('%.0f',ttl)) end
return 1)");
  return made;
}

const Script& create_script() {
  static const Script made = script(std::string(begin) + R"(
if h~='' and (not e or e>now) then return 0 end
redis.call('SET',k,ARGV[3],'PX',ARGV[2])
return 1)");
  return made;
}

const Script& replace_script() {
  static const Script made = script(std::string(begin) + R"(
if not e or e<=now then return 0 end
if string.sub(h,2,9)~=ARGV[4] then return redis.call('GET',k) end
local v,ttl=ARGV[3],ARGV[2]
local given,seen=tonumber(string.sub(v,10,23)),tonumber(string.sub(v,24,37))
local x,l=given,seen
if s<=now then x,l=math.max(x,e),math.max(l,s) end
n=tonumber(string.sub(v,52,54))
if n>0 and x>tonumber(ARGV[5]) and (x>e or string.sub(h,52,54+n)~=string.sub(v,52,54+n)) then
  return x
end
if x~=given or l~=seen then
  v=string.sub(v,1,9)..string.format('%014.0f%014.0f',x,l)..string.sub(v,38)
  ttl=string.format('%.0f',tonumber(ttl)+x-given)
end
redis.call('SET',k,v,'PX',ttl)
return 1)");
  return made;
}

const Script& touch_script() {
  static const Script made = script(std::string(begin) + R"(
if not e or e<=now then return 0 end
local o=string.sub(h,55,54+n)
if n>0 and o~=ARGV[5] then return o end
local given,l=tonumber(ARGV[3]),tonumber(ARGV[4])
local x=given
if s<=now then x,l=math.max(x,e),math.max(l,s) end
if x~=e or l~=s then redis.call('SETRANGE',k,9,string.format('%014.0f%014.0f',x,l)) end
if x~=e then redis.call('PEXPIRE',k,string.format('%.0f',tonumber(ARGV[2])+x-given)) end
return 1)");
  return made;
}

}  // namespace flame::inline v0::session::redis
