/**
 * The rule language of `--net` and `--net-deny`:
 *
 *   RULE = NAME | *.NAME | ADDRESS | CIDR | [IPV6] | [IPV6/N] | internet
 *   with optional  :PORT  or  :PORT-PORT  and  /tcp  or  /udp
 *        | localhost:PORT | host:PORT | 127.0.0.1:PORT | [::1]:PORT     this machine's own services, TCP only
 *
 * Nothing is guessed: what has two readings is an error that shows the rule and the fix.
 */

import { domainToASCII } from 'node:url';
import { UsageError } from '../errors/index.js';
import {
  type AddressBlock,
  addressText,
  blockOf,
  blockText,
  isLoopback,
  isMapped,
  isUnspecified,
  networkOf,
  readAddressBytes,
} from './net-address.js';
import { spoken, spokenOption } from './spoken.js';
import { suggest } from './suggest.js';
import { netWords } from './value-types.js';

export type NetProtocol = 'any' | 'tcp' | 'udp';

interface Ports {
  /** Inclusive; 0 to 65535 where the rule names none. */
  readonly from: number;
  readonly to: number;
  readonly protocol: NetProtocol;
}

/** Says what a rule is about. */
export type NetDestination =
  | { readonly kind: 'internet' }
  /** `name` in lower-case ASCII without a final dot; with `wildcard` whatever ends in `.name`. */
  | { readonly kind: 'name'; readonly name: string; readonly wildcard: boolean }
  | { readonly kind: 'address'; readonly block: AddressBlock }
  /** Loopback addresses whose ports are this machine's, not the sandbox's. */
  | { readonly kind: 'loopback'; readonly blocks: readonly AddressBlock[] };

/** One destination, or a kind of them; `text` is its canonical form. */
export type NetRule = NetDestination & Ports & { readonly text: string };

/** How many rules a list may have. */
export const maxNetRules = 1024;

/** Words that people write for a keyword; a host of such a name is given with a port. */
const meantFor: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ['none', 'off no false disabled disable deny block blocked nothing never isolated null nil'],
    [
      'internet',
      'on yes any all true enabled enable allow full open public everything web wan online',
    ],
    ['host', 'bridge default local lan shared'],
  ].flatMap(([keyword = '', words = '']) => words.split(' ').map((word) => [word, keyword])),
);

const loopback4 = single('127.0.0.1');
const loopback6 = single('::1');

function single(address: string): AddressBlock {
  return { bytes: readAddressBytes(address) ?? new Uint8Array(16), prefix: 128 };
}

/**
 * Returns whether a name has letters beyond ASCII, and nothing else that a host name cannot have: domainToASCII() reads
 * it as a URL, so `good\\x.example` would mean `good`.
 */
const isInternational = (name: string): boolean =>
  /[\u0080-\u{10ffff}]/u.test(name) && !/[^a-z0-9._\-\u0080-\u{10ffff}]/iu.test(name);

/** The loopback addresses that a host part names: this machine's, `host` for short. */
function loopbackOf(host: string): readonly AddressBlock[] | undefined {
  const name = host.toLowerCase();
  if (name === 'localhost' || name === 'host') return [loopback4, loopback6];
  if (name === '127.0.0.1') return [loopback4];
  return name === '::1' ? [loopback6] : undefined;
}

class RuleReader {
  readonly #option: string;
  readonly #rule: string;

  constructor(option: string, rule: string) {
    this.#option = option;
    this.#rule = rule;
  }

  #error(problem: string, fix: string): UsageError {
    const shown = JSON.stringify(this.#rule);
    return new UsageError(
      'ERR_OPTION_VALUE',
      `${spokenOption(this.#option)}: rule ${shown}: ${problem}`,
      {
        hint: fix,
      },
    );
  }

  /** The option with a value, as the interface in use has it. */
  #given(rule: string): string {
    const value = /[*[\]]/.test(rule) ? `'${rule}'` : rule;
    return this.#option === '--net' ? spoken`--net ${value}` : spoken`--net-deny ${value}`;
  }

  #write(rule: string): string {
    return `Write ${this.#given(rule)}`;
  }

  read(): NetRule {
    const rule = this.#rule;
    if (rule === '') {
      throw this.#error(
        'empty rule',
        this.#option === '--net'
          ? spoken`To allow nothing: --net none. To allow something: --net example.com:443,10.1.0.0/16`
          : spoken`To deny nothing, leave it out. To deny something: --net-deny example.com:443,10.1.0.0/16`,
      );
    }
    const url = /^[A-Za-z][\w+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:]+)(?::(\d+))?/.exec(rule);
    if (url !== null) {
      const port = url[2] ?? { http: '80', https: '443', ssh: '22' }[rule.split(':')[0] ?? ''];
      const fix = `${url[1]}${port === undefined ? '' : `:${port}`}`;
      throw this.#error(
        'rules are hosts, not URLs',
        `Give the host and the port. ${this.#write(fix)}`,
      );
    }
    if (/[\s\u0000-\u001f\u007f]/.test(rule)) {
      throw this.#error('contains white space', 'Separate rules with commas only.');
    }
    if (rule.includes('%')) {
      throw this.#error(
        'zone IDs have no meaning in the sandbox',
        this.#write(rule.replace(/%[^\]/:]*/, '')),
      );
    }
    const protocol = /\/(tcp|udp)$/i.exec(rule);
    const rest = protocol === null ? rule : rule.slice(0, protocol.index);
    const { host, ports } = this.#split(rest);
    const place = { ...ports, protocol: (protocol?.[1]?.toLowerCase() ?? 'any') as NetProtocol };
    const blocks = loopbackOf(host);
    if (blocks !== undefined) return this.#loopback(host, blocks, place);
    const destination = this.#destination(host);
    return { ...destination, ...place, text: ruleText(destination, place) };
  }

  /** The host part, without brackets, and the ports behind it. */
  #split(text: string): { host: string; ports: { from: number; to: number } } {
    const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
    if (bracketed !== null) {
      if (!(bracketed[1] ?? '').includes(':')) {
        throw this.#error(
          'only IPv6 addresses go in brackets',
          this.#write(text.replace(/[[\]]/g, '')),
        );
      }
      return { host: bracketed[1] ?? '', ports: this.#ports(bracketed[2]) };
    }
    if (text.includes('[') || text.includes(']')) {
      throw this.#error('unbalanced brackets', this.#write('[2001:db8::1]:443'));
    }
    const colons = text.split(':').length - 1;
    if (colons > 1) return { host: text, ports: this.#ports(undefined) };
    const colon = text.indexOf(':');
    if (colon < 0) return { host: text, ports: this.#ports(undefined) };
    return { host: text.slice(0, colon), ports: this.#ports(text.slice(colon + 1)) };
  }

  #ports(text: string | undefined): { from: number; to: number } {
    if (text === undefined) return { from: 0, to: 65535 };
    const match = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(text);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    if (match === null || from > 65535 || to > 65535) {
      throw this.#error(
        `invalid port ${JSON.stringify(text)}`,
        'Ports are 1 to 65535: example.com:443, or example.com:8000-8100 for a range.',
      );
    }
    if (from > to) {
      throw this.#error('invalid port range', `Put the smaller port first: ${to}-${from}`);
    }
    return { from, to };
  }

  #destination(host: string): NetDestination {
    if (host === 'internet') return { kind: 'internet' };
    const slash = host.indexOf('/');
    const bytes = readAddressBytes(slash < 0 ? host : host.slice(0, slash));
    if (bytes !== undefined) {
      return {
        kind: 'address',
        block: this.#block(bytes, slash < 0 ? undefined : host.slice(slash + 1)),
      };
    }
    if (slash >= 0) {
      throw this.#error(
        /^[\d.:a-f]+\//i.test(host) ? 'invalid address block' : 'rules have no path',
        `Blocks look like 10.1.0.0/16 or 2001:db8::/32, names like ${this.#given('example.com:443')}`,
      );
    }
    return { kind: 'name', ...this.#name(host) };
  }

  #block(bytes: Uint8Array, written: string | undefined): AddressBlock {
    if (this.#rule.includes(':ffff:') && isMapped(bytes)) {
      throw this.#error('IPv4 address written as IPv6', this.#write(addressText(bytes)));
    }
    const good = written === undefined || /^(0|[1-9]\d{0,2})$/.test(written);
    const block = good
      ? blockOf(bytes, written === undefined ? undefined : Number(written))
      : undefined;
    if (block === undefined) {
      throw this.#error(
        `invalid prefix length ${JSON.stringify(written)}`,
        'Use 0 to 32 for IPv4, 0 to 128 for IPv6: 10.1.0.0/16, 2001:db8::/32',
      );
    }
    const network = networkOf(block);
    if (network.bytes.some((byte, i) => byte !== block.bytes[i])) {
      throw this.#error(
        'the address has bits set beyond the prefix',
        `${this.#write(blockText(network))} for the block, or ${addressText(bytes)} for the single address`,
      );
    }
    if (isUnspecified(block))
      throw this.#error('the unspecified address matches nothing', this.#internetFix());
    if (isLoopback(block)) throw this.#wrongLoopback();
    return block;
  }

  #internetFix(): string {
    return spoken`To allow everything but this host and its networks: --net internet. To allow everything: --net host`;
  }

  #wrongLoopback(): UsageError {
    return this.#error(
      "the sandbox has its own loopback; this machine's can be reached only port by port",
      `${this.#write('localhost:5432')} for one port of this machine. To reach a server inside: --publish PORT`,
    );
  }

  /** The port is named: a rule for all of loopback would leave the sandbox none of its own. */
  #loopback(host: string, blocks: readonly AddressBlock[], place: Ports): NetRule {
    const name = blocks.length > 1 ? 'localhost' : hostText({ kind: 'loopback', blocks }, true);
    if (place.from === 0) {
      // A mode by itself is no rule: `host` is read before.
      if (host === 'host') throw this.#alone('host');
      throw this.#error(
        "the sandbox has its own loopback, and this machine's is reached port by port",
        `Name the port: ${this.#given(`${name}:5432`)}`,
      );
    }
    if (place.protocol === 'udp') {
      throw this.#error(
        "UDP to loopback stays in the sandbox: only TCP reaches this machine's ports",
        this.#write(`${name}:${place.from}`),
      );
    }
    const destination = { kind: 'loopback', blocks } as const;
    const text = ruleText(destination, { ...place, protocol: 'any' });
    return { ...destination, ...place, protocol: 'tcp', text };
  }

  #alone(keyword: string): UsageError {
    return this.#error(
      `${keyword} can't be combined with other rules`,
      `Use it alone: ${this.#given(keyword)}`,
    );
  }

  #name(host: string): { name: string; wildcard: boolean } {
    const wildcard = host.startsWith('*.');
    const plain = wildcard ? host.slice(2) : host;
    if (host === '*' || host === '*.*' || host === '*.') {
      throw this.#error('matches everything', this.#internetFix());
    }
    if (plain.includes('*')) {
      throw this.#error(
        '* must be the first label, as in *.example.com',
        this.#write(
          `*.${
            plain
              .split('*')
              .at(-1)
              ?.replace(/^[^.]*\.?/, '') || 'example.com'
          }`,
        ),
      );
    }
    if (plain === '') throw this.#error('no host', this.#write('example.com:443'));
    // The resolver of libc takes these for addresses, whatever they look like.
    const last = plain.split('.').findLast((label) => label !== '') ?? '';
    if (
      /^(\d+|0x[0-9a-f]*)$/i.test(last) ||
      (/^[\d.:a-fx]+$/i.test(plain) && plain.includes(':'))
    ) {
      throw this.#error(
        'invalid address',
        `An IPv4 address is four decimal numbers without leading zeros.\n${this.#write('192.0.2.1:443')} or ${this.#given("'[2001:db8::1]:443'")}.`,
      );
    }
    if (plain.endsWith('.')) {
      throw this.#error('trailing dot in the host name', this.#write(host.replace(/\.+$/, '')));
    }
    const name = isInternational(plain) ? domainToASCII(plain) : plain.toLowerCase();
    const labels = name.split('.');
    const bad = labels.find((label) => !/^(?!-)[a-z0-9_-]{1,63}(?<!-)$/.test(label));
    if (name === '' || name.length > 253 || bad !== undefined) {
      throw this.#error(
        bad === undefined || bad === ''
          ? 'invalid host name'
          : `invalid label ${JSON.stringify(bad)} in the host name`,
        `Labels are letters, digits and hyphens: ${this.#given('example.com,*.example.org:443')}`,
      );
    }
    if (name === 'localhost' || name.endsWith('.localhost')) throw this.#wrongLoopback();
    if (labels.length === 1 && !wildcard) this.#refuseSlip(name, host !== this.#rule);
    return { name, wildcard };
  }

  /** A mistyped keyword would be taken for a name, and allow nothing that was meant. */
  #refuseSlip(name: string, more: boolean): void {
    const meant = more ? undefined : meantFor[name];
    if (meant !== undefined && this.#option === '--net') {
      throw this.#error(
        `unknown mode "${name}"`,
        spoken`Did you mean --net ${meant}? For a host of that name, give its port: --net ${name}:443`,
      );
    }
    if ((netWords as readonly string[]).includes(name)) {
      throw this.#alone(name);
    }
    const near = name.length > 3 ? suggest(name, netWords) : undefined;
    if (near === undefined) return;
    throw this.#error(
      `unknown mode "${name}"`,
      spoken`Did you mean --net ${near}? For a host of that name, use its full name.`,
    );
  }
}

function ruleText(destination: NetDestination, { from, to, protocol }: Ports): string {
  const ports = from === 0 ? '' : from === to ? `:${from}` : `:${from}-${to}`;
  const suffix = protocol === 'any' ? '' : `/${protocol}`;
  return `${hostText(destination, ports !== '')}${ports}${suffix}`;
}

function hostText(destination: NetDestination, withPort: boolean): string {
  if (destination.kind === 'internet') return 'internet';
  if (destination.kind === 'loopback') {
    const [first, second] = destination.blocks;
    if (first === undefined || second !== undefined) return 'localhost';
    return hostText({ kind: 'address', block: first }, withPort);
  }
  if (destination.kind === 'name') return `${destination.wildcard ? '*.' : ''}${destination.name}`;
  const text = blockText(destination.block);
  return withPort && text.includes(':') ? `[${text}]` : text;
}

/** Reads one rule. @throws UsageError that shows the rule and the fix */
export function readNetRule(option: string, rule: string): NetRule {
  return new RuleReader(option, rule).read();
}

/** Reads rules that commas separate. @throws UsageError that shows the rule and the fix */
export function readNetRules(option: string, list: string): NetRule[] {
  const rules = list.split(',').map((rule) => readNetRule(option, rule));
  if (rules.length <= maxNetRules) return rules;
  throw new UsageError('ERR_OPTION_VALUE', `${option}: too many rules (${rules.length})`, {
    hint: `The limit is ${maxNetRules}. Address blocks and *.NAME cover many hosts in one rule.`,
  });
}
