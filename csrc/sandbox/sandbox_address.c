#include "sandbox/sandbox_address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/* An IPv4 address is kept as the IPv6 address that stands for it: ::ffff:127.0.0.1. */
static struct in6_addr map_ipv4(const struct in_addr *address) {
  struct in6_addr mapped = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
  memcpy(mapped.s6_addr + 12, address, sizeof *address);
  return mapped;
}

static bool read_address(const char *text, struct in6_addr *found) {
  struct in_addr ipv4;

  if (inet_pton(AF_INET, text, &ipv4) == 1) {
    *found = map_ipv4(&ipv4);
    return true;
  }
  return inet_pton(AF_INET6, text, found) == 1;
}

static bool is_loopback(const struct in6_addr *address) {
  return IN6_IS_ADDR_LOOPBACK(address) || (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

static bool is_that(const struct sockaddr *own, const struct in6_addr *address) {
  struct in6_addr mapped;

  if (own && own->sa_family == AF_INET)
    mapped = map_ipv4(&((const struct sockaddr_in *)(const void *)own)->sin_addr);
  else if (own && own->sa_family == AF_INET6)
    mapped = ((const struct sockaddr_in6 *)(const void *)own)->sin6_addr;
  else
    return false;
  return memcmp(&mapped, address, sizeof mapped) == 0;
}

static bool has_interface(const struct in6_addr *address) {
  struct ifaddrs *all = NULL;
  bool found = false;

  if (getifaddrs(&all) != 0) return false;
  for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next)
    found = is_that(one->ifa_addr, address);
  freeifaddrs(all);
  return found;
}

int sandbox_address_is_own(lua_State *L) {
  struct in6_addr address;
  const char *text = luaL_checkstring(L, 1);

  lua_pushboolean(L, read_address(text, &address) && (is_loopback(&address) || has_interface(&address)));
  return 1;
}
