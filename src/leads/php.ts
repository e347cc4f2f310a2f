/** Finds what a PHP script lacks: the packages that composer installs, and extensions, by what the script names. */
import { posix } from 'node:path';
import type { Host } from '../host/index.js';
import { composerHosts } from '../resolve/index.js';
import { onPath } from './on-path.js';

/** Extensions that Debian has apart from PHP, with what names them in a script. */
const extensions: readonly (readonly [name: string, sign: RegExp])[] = [
  ['curl', /\bcurl_(?:init|multi_init)\s*\(/],
  ['gd', /\b(?:imagecreate\w*|imagettftext|gd_info)\s*\(/],
  ['mbstring', /\bmb_\w+\s*\(/],
  ['mysqli', /\bnew\s+mysqli\b|\bmysqli_connect\s*\(/],
  ['pdo_mysql', /["']mysql:/],
  ['pdo_pgsql', /["']pgsql:/],
  ['pdo_sqlite', /["']sqlite:/],
  ['sqlite3', /\bnew\s+\\?SQLite3\b/],
  ['dom', /\bnew\s+\\?DOMDocument\b/],
  ['simplexml', /\bsimplexml_load_\w+\s*\(/],
  ['intl', /\bnew\s+\\?(?:NumberFormatter|IntlDateFormatter|Collator)\b/],
  ['zip', /\bnew\s+\\?ZipArchive\b/],
  ['bcmath', /\bbc(?:add|sub|mul|div|pow|mod)\s*\(/],
  ['gmp', /\bgmp_\w+\s*\(/],
  ['soap', /\bnew\s+\\?SoapClient\b/],
];

/** The package of an extension, where its name differs. */
const packageOf: Readonly<Record<string, string>> = {
  mysqli: 'mysql',
  pdo_mysql: 'mysql',
  pdo_pgsql: 'pgsql',
  pdo_sqlite: 'sqlite3',
  dom: 'xml',
  simplexml: 'xml',
};

/** Packages of these have no place in an interpreter that was not packaged by Debian. */
const modulesOf = (host: Host): ReadonlySet<string> => {
  const top = '/usr/lib/php';
  const dated = host.files.list(top).filter((name) => /^\d{8}/.test(name));
  return new Set(dated.flatMap((name) => host.files.list(posix.join(top, name))));
};

/** The file that composer writes. */
const loader = /["']([^"'\n]*\bvendor\/autoload\.php)["']/g;

function composerLeads(text: string, script: string, host: Host): string[] {
  const own = posix.dirname(script);
  const named = [...text.matchAll(loader)].map(([, path = '']) => path.replace(/^\/+/, ''));
  const [missing] = named.map((path) => posix.resolve(own, path));
  if (missing === undefined || host.files.stat(missing) !== undefined) return [];
  const place = posix.dirname(posix.dirname(missing));
  const what = 'vendor/autoload.php is missing: composer makes it';
  if (host.files.stat(posix.join(place, 'composer.json')) === undefined)
    return [`${what} from a composer.json, and there is none`];
  if (!onPath(host, 'composer'))
    return [`${what}, and is not installed. On Debian: apt install composer`];
  const install = `wasbox run --net ${composerHosts} --apply -- composer install`;
  return [`${what}. To install the packages once: ${install}`];
}

/** Lines for a script of PHP. */
export function phpLeads(text: string, script: string, host: Host): string[] {
  const there = modulesOf(host);
  const missing = extensions
    .filter(([name, sign]) => there.has('phar.so') && !there.has(`${name}.so`) && sign.test(text))
    .map(([name]) => `php-${packageOf[name] ?? name}`);
  const packages = [...new Set(missing)];
  return [
    ...composerLeads(text, script, host),
    ...packages.map(
      (name) =>
        `a part of PHP is not installed. A run sees what this machine has. On Debian: apt install ${name}`,
    ),
  ];
}
