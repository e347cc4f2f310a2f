"""Sends what may upset a reader of packets: floods, odd addresses, options, fragments, other
protocols. Arguments: port, an allowed address of each family, and one that is not. Ends with an
exchange that must work."""
import itertools
import os
import random
import socket
import sys

port, web, web6, lan = int(sys.argv[1]), *sys.argv[2:5]
random.seed(1)
tried, sent = 0, 0
V4, V6, DGRAM = socket.AF_INET, socket.AF_INET6, socket.SOCK_DGRAM
SOL_UDP, UDP_CORK, UDP_ENCAP, UDP_SEGMENT = 17, 1, 100, 103


def attempt(action, *arguments):
    global tried, sent
    tried += 1
    try:
        result = action(*arguments)
        sent += 1
        return result
    except (OSError, OverflowError):
        return None


def plain(family=V4, kind=DGRAM, protocol=0):
    s = attempt(socket.socket, family, kind, protocol)
    if s is not None:
        s.setblocking(False)
    return s


def say(what):
    global tried, sent
    print(what, tried, sent, flush=True)
    tried = sent = 0


s, s6 = plain(), plain(V6)
for i in range(10000):
    attempt(s.sendto, bytes(i % 1473), (web, port))
    attempt(s6.sendto, bytes(i % 1453), (web6, port))
say('allowed')
for i in range(10000):
    attempt(s.sendto, b'x', (f'10.{i >> 8}.{i & 255}.1', 1 + i))
    attempt(s6.sendto, b'x', (f'2001:db8::{i:x}', 1 + i))
    attempt(s.sendto, b'x', (lan, port))
say('refused')
for i in range(1000):
    t = plain()
    attempt(t.sendto, b'flow', (web, port))
    t.close()
say('flows')
for _ in range(200):
    attempt(s.sendto, bytes(65507), (web, port))
    attempt(s.sendto, bytes(65508), (web, port))
    attempt(s6.sendto, bytes(65487), (web6, port))
    attempt(s6.sendto, bytes(65527), (web6, port))  # in fragments
say('jumbo')

s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
odd = ['255.255.255.255', '198.18.0.0', '198.18.0.1', '198.18.0.2', '198.18.0.3', '0.0.0.0', '127.0.0.1']
odd += ['224.0.0.1', '224.0.0.22', '239.255.255.250', '240.0.0.1', '10.0.0.255', '169.254.1.1']
odd6 = ['ff02::1', 'ff02::16', 'ff02::1:ff00:2', 'ff05::2', '::', '::1', '::ffff:10.0.0.1', 'fe80::1', '100::']
odd6 += ['fd77:6173:626f:7800::1', 'fd77:6173:626f:7800::2', 'fd77:6173:626f:7800::']
index = next(number for number, name in socket.if_nameindex() if name == 'out')
for to, size, target in itertools.product(odd, (0, 1, 1400, 65507), (0, 1, 53, 5353, 65535)):
    attempt(s.sendto, bytes(size), (to, target))
for to, size, target in itertools.product(odd6, (0, 1, 1400, 65487), (0, 1, 53, 5353, 65535)):
    attempt(s6.sendto, bytes(size), (to, target, 0, index))
attempt(s.setsockopt, socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton('239.1.1.1') + socket.inet_aton('0.0.0.0'))
attempt(s6.setsockopt, socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(V6, 'ff05::7') + index.to_bytes(4, 'little'))
attempt(s.bind, ('198.18.0.2', 5000))
t = plain()
attempt(t.bind, ('127.0.0.1', 0))
attempt(t.sendto, b'from loopback', (web, port))
say('addresses')

# Headers that are longer: options, and IPv6's extensions, of which most take rights.
for i in range(500):
    t = plain()
    attempt(t.setsockopt, socket.IPPROTO_IP, socket.IP_OPTIONS, os.urandom(random.randrange(41)))
    attempt(t.setsockopt, socket.IPPROTO_IP, socket.IP_TTL, random.randrange(256))
    attempt(t.setsockopt, socket.IPPROTO_IP, socket.IP_TOS, random.randrange(256))
    attempt(t.sendto, b'options', (web, port))
    t.close()
for good in b'\x01' * 4, b'\x07\x07\x04' + bytes(5), b'\x44\x08\x05\x00' + bytes(4), b'\x94\x04\x00\x00':
    t = plain()
    attempt(t.setsockopt, socket.IPPROTO_IP, socket.IP_OPTIONS, good)
    for to in web, '10.0.0.1':
        attempt(t.sendto, b'good options', (to, port))
    t.close()
for name in 'IPV6_HOPOPTS', 'IPV6_DSTOPTS', 'IPV6_RTHDR', 'IPV6_RTHDRDSTOPTS':
    t = plain(V6)
    option = getattr(socket, name)
    attempt(t.setsockopt, socket.IPPROTO_IPV6, option, bytes(8))
    attempt(t.sendmsg, [b'extension'], [(socket.IPPROTO_IPV6, option, bytes(8))], 0, (web6, port))
    t.close()
say('options')

for family, to in (V4, web), (V6, web6):
    level, mtu = (socket.IPPROTO_IP, 14) if family == V4 else (socket.IPPROTO_IPV6, 24)
    for size in range(1200, 65000, 997):
        t = plain(family)
        attempt(t.setsockopt, level, mtu, 1280)
        attempt(t.setsockopt, socket.IPPROTO_IPV6 if family == V6 else level, 23 if family == V6 else 10, 0)
        attempt(t.sendto, bytes(size), (to, port))
        t.close()
    t = plain(family)
    for segment in 1, 8, 500, 1200, 1472, 9000:
        attempt(t.setsockopt, SOL_UDP, UDP_SEGMENT, segment)
        for size in segment, 2 * segment, 40 * segment, 64 * segment + 1:
            attempt(t.sendto, bytes(size), (to, port))
    t.close()
    t = plain(family)
    attempt(t.setsockopt, SOL_UDP, UDP_CORK, 1)
    for _ in range(100):
        attempt(t.sendto, bytes(700), (to, port))
    attempt(t.setsockopt, SOL_UDP, UDP_CORK, 0)
    for kind in range(1, 8):
        attempt(t.setsockopt, SOL_UDP, UDP_ENCAP, kind)
        attempt(t.sendto, bytes(8), (to, port))
    t.close()
say('pieces')

for family, to in (V4, web), (V6, web6):
    for kind, protocol in itertools.product((DGRAM, socket.SOCK_STREAM, socket.SOCK_RAW, 5, 6), (0, 1, 2, 6, 17, 33, 58, 132, 136, 255, 262)):
        t = plain(family, kind, protocol)
        if t is not None:
            attempt(t.connect_ex, (to, port))
            attempt(t.send, b'protocol')
            t.close()
for protocol in 0x0003, 0x0800, 0x86dd:
    attempt(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
say('protocols')

for family, to in (V4, web), (V6, web6):
    t = socket.socket(family, DGRAM)
    t.settimeout(5)
    t.connect((to, port))
    for _ in range(20):
        attempt(t.send, b'still there?')
        if attempt(t.recv, 100) == b'still there?':
            print('answered')
            break
