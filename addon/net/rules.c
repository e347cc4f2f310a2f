/*
 * Decides what may be reached: the plan's rules on an address, a port and the names that are known
 * for the address. Called by tcp.c, udp.c and resolver.c right before they dial, with the very
 * address that they then dial.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <ifaddrs.h>
#include <string.h>
#include <sys/socket.h>

#include "net.h"
#include "special.h"

#define IPV4(a, b, c, d, bits) {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, a, b, c, d}, 96 + (bits)}

#define SPECIAL4(a, b, c, d, bits) IPV4(a, b, c, d, bits),
#define SPECIAL6(bits, ...) {{__VA_ARGS__}, bits},
static const struct block special[] = {NET_SPECIAL_BLOCKS(SPECIAL4, SPECIAL6)};

static const struct block mapped = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255}, 96};
static const struct block global = {{0x20}, 3};
static const struct block nat64 = {{0, 0x64, 0xff, 0x9b}, 96};
static const struct block loopback4 = IPV4(127, 0, 0, 0, 8);

static int in_block(const unsigned char bytes[16], const unsigned char block[16], uint32_t prefix) {
  const uint32_t whole = prefix / 8, rest = prefix % 8;
  if (memcmp(bytes, block, whole) != 0)
    return 0;
  return rest == 0 || ((bytes[whole] ^ block[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

static int in(const struct address *address, const struct block *block) {
  return in_block(address->bytes, block->bytes, block->prefix);
}

/* Loopback, which is the sandbox's own but for net_is_service; "any" means the same to connect(2).
 */
int net_is_inside(const struct address *address) {
  static const unsigned char none[16] = {0};
  if (in(address, &mapped))
    return in(address, &loopback4) || memcmp(address->bytes + 12, none, 4) == 0;
  return memcmp(address->bytes, none, 15) == 0 && address->bytes[15] <= 1;
}

/* A gateway takes the IPv4 address out of this form and sends to it. */
static struct address unwrapped(const struct address *address) {
  struct address plain = *address;
  if (in(address, &nat64)) {
    memcpy(plain.bytes, mapped.bytes, 12);
    memcpy(plain.bytes + 12, address->bytes + 12, 4);
  }
  return plain;
}

static int is_special(const struct address *address) {
  const struct address plain = unwrapped(address);
  for (size_t i = 0; i < sizeof special / sizeof *special; i++)
    if (in(&plain, &special[i]))
      return 1;
  return !in(&plain, &mapped) && !in(&plain, &global);
}

/*
 * How much of an address of the host is that of its network. In IPv6 that is never more than half,
 * whatever is configured: an address from DHCP is a single one, and its network is announced apart.
 * A block that is wider than any network is a way to write "everything". Addresses that
 * do not belong to the internet are closed anyhow.
 */
static uint8_t network_prefix(const struct address *address, const struct sockaddr *mask) {
  const int v4 = in(address, &mapped);
  const size_t size = v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
  struct endpoint bits;
  if (!v4 && !in(address, &global))
    return 128;
  if (!mask || mask->sa_family != (v4 ? AF_INET : AF_INET6) ||
      !net_from_sockaddr(mask, size, &bits))
    return 128;
  uint8_t length = v4 ? mapped.prefix : 0;
  while (length < 128 && bits.address.bytes[length / 8] >> (7 - length % 8) & 1)
    length++;
  if (length < (v4 ? mapped.prefix + 8 : 16))
    return 128;
  return !v4 && length > 64 ? 64 : length;
}

/* Reads the host's addresses, all interfaces', again. */
static void read_own(struct net *net) {
  struct ifaddrs *list;
  net->own_count = 0;
  net->own_known = 0;
  if (getifaddrs(&list) < 0)
    return;
  net->own_known = 1;
  for (const struct ifaddrs *one = list; one; one = one->ifa_next) {
    struct endpoint own;
    if (!one->ifa_addr)
      continue;
    const size_t size = one->ifa_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                             : sizeof(struct sockaddr_in);
    if (!net_from_sockaddr(one->ifa_addr, size, &own))
      continue;
    if (net->own_count == OWN_MAX) {
      net->own_known = 0; /* then everything could be one of ours */
      break;
    }
    struct block *entry = &net->own[net->own_count++];
    memcpy(entry->bytes, own.address.bytes, sizeof entry->bytes);
    entry->prefix = network_prefix(&own.address, one->ifa_netmask);
  }
  freeifaddrs(list);
}

enum whose { OF_OTHERS, OF_OUR_NETWORK, OWN };

/* Returns what an address belongs to: the host, a network that the host is in, or neither. */
static enum whose whose(struct net *net, const struct address *address) {
  char news[4096];
  int changed = !net->own_known;
  while (net->changes >= 0) {
    const ssize_t n = recv(net->changes, news, sizeof news, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
      break;
    changed = 1;
    if (n < 0 && errno != ENOBUFS) /* more news than room; what else it is may last */
      break;
  }
  if (changed || net->changes < 0)
    read_own(net);
  if (!net->own_known)
    return OWN;
  const struct address plain = unwrapped(address);
  enum whose found = OF_OTHERS;
  for (uint32_t i = 0; i < net->own_count; i++) {
    if (memcmp(net->own[i].bytes, plain.bytes, 16) == 0)
      return OWN;
    if (in(&plain, &net->own[i]))
      found = OF_OUR_NETWORK;
  }
  return found;
}

static int name_matches(const struct net *net, const struct wb_net_rule *rule, const char *name) {
  const char *wanted = wb_plan_at(net->plan, rule->name);
  if (rule->kind == WB_NET_NAME)
    return strcmp(name, wanted) == 0;
  const size_t length = strlen(name), tail = strlen(wanted);
  return length > tail + 1 && name[length - tail - 1] == '.' &&
         strcmp(name + length - tail, wanted) == 0;
}

/* The name that is known for the address and that the rule means, or NULL. */
static const char *known_name(const struct net *net, const struct wb_net_rule *rule,
                              const struct address *address) {
  const uint64_t now = wb_now_ns();
  for (uint32_t i = 0; i < net->learned_count; i++) {
    const struct learned *one = &net->learned[i];
    if (memcmp(one->address.bytes, address->bytes, 16) == 0 && one->expires > now &&
        name_matches(net, rule, one->name))
      return one->name;
  }
  return NULL;
}

static int named(const struct wb_net_rule *rule) {
  return rule->kind == WB_NET_NAME || rule->kind == WB_NET_WILDCARD;
}

static int in_rule(const struct wb_net_rule *rule, const struct address *address) {
  const uint32_t words[4] = {rule->word0, rule->word1, rule->word2, rule->word3};
  struct address block;
  memcpy(block.bytes, words, sizeof block.bytes);
  if (rule->prefix < mapped.prefix && in(address, &mapped))
    return 0; /* ::/0 is all of IPv6, not of IPv4 as well */
  return in_block(address->bytes, block.bytes, rule->prefix);
}

static int place_matches(const struct wb_net_rule *rule, uint16_t port, uint32_t protocol) {
  return port >= rule->port_from && port <= rule->port_to &&
         (rule->protocol == WB_NET_ANY || rule->protocol == protocol);
}

uint32_t net_judge(struct net *net, const struct endpoint *to, uint32_t protocol,
                   const char **name) {
  const struct address *address = &to->address;
  const enum whose near = whose(net, address);
  const int own = near == OWN, open = near == OF_OTHERS && !is_special(address);
  /* A denied destination is denied in every form that leads there. */
  const struct address plain = unwrapped(address);
  uint32_t verdict = WB_REFUSED;
  *name = "";
  for (uint32_t i = 0; i < net->plan->net_rule_count; i++) {
    const struct wb_net_rule *rule = &net->rules[i];
    if (!place_matches(rule, to->port, protocol))
      continue;
    const char *known = named(rule) ? known_name(net, rule, address) : NULL;
    if (!known && named(rule) && rule->deny)
      known = known_name(net, rule, &plain);
    int matches;
    if (rule->kind == WB_NET_BLOCK)
      /* A wide block does not mean this very host; who does mean it names its address. */
      matches = rule->deny ? in_rule(rule, address) || in_rule(rule, &plain)
                           : in_rule(rule, address) && (!own || rule->prefix == 128);
    else if (rule->kind == WB_NET_INTERNET)
      matches = open;
    else
      matches = known && (rule->deny || open);
    if (!matches)
      continue;
    if (known)
      *name = known;
    if (rule->deny)
      return WB_DENIED;
    verdict = WB_ALLOWED;
  }
  return verdict;
}

int net_is_service(struct net *net, const struct endpoint *to) {
  for (uint32_t i = 0; i < net->plan->net_rule_count; i++) {
    const struct wb_net_rule *rule = &net->rules[i];
    const char *name;
    if (rule->kind == WB_NET_BLOCK && rule->prefix == 128 && !rule->deny &&
        in_rule(rule, &to->address) && place_matches(rule, to->port, WB_NET_TCP))
      return net_judge(net, to, WB_NET_TCP, &name) == WB_ALLOWED;
  }
  return 0;
}

uint32_t net_judge_name(const struct net *net, const char *name) {
  int allowed = 0;
  for (uint32_t i = 0; i < net->plan->net_rule_count; i++) {
    const struct wb_net_rule *rule = &net->rules[i];
    if (!rule->deny)
      allowed |= rule->kind == WB_NET_INTERNET || (named(rule) && name_matches(net, rule, name));
    else if (named(rule) && rule->port_from == 0 && rule->protocol == WB_NET_ANY &&
             name_matches(net, rule, name))
      return WB_DENIED;
  }
  return allowed ? WB_ALLOWED : WB_REFUSED;
}

int net_answer_allowed(struct net *net, const struct address *address) {
  const enum whose near = whose(net, address);
  const int own = near == OWN;
  if (net_is_inside(address))
    return 0;
  if (near == OF_OTHERS && !is_special(address))
    return 1;
  for (uint32_t i = 0; i < net->plan->net_rule_count; i++) {
    const struct wb_net_rule *rule = &net->rules[i];
    if (!rule->deny && rule->kind == WB_NET_BLOCK && in_rule(rule, address) &&
        (!own || rule->prefix == 128))
      return 1;
  }
  return 0;
}
