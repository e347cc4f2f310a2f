// Debian's kernels, from the mirror that apt is set up with. apt checks the signatures. It has lists
// and a cache of its own here: the system's sources and packages stay as they are.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { debianSource } from '../support/debian.mjs';
import { run } from './command.mjs';

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'wasbox-vm');

/** Runs apt-get or apt-cache with nothing but the suites given, all of equal priority. */
function privateApt(directory, suites) {
  const { uri, key } = debianSource();
  const by = key === undefined ? '' : `[signed-by=${key}]`;
  const file = (name) => join(directory, name);
  for (const name of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(file(name), { recursive: true });
  writeFileSync(file('sources'), suites.map((s) => `deb ${by} ${uri} ${s} main\n`).join(''));
  writeFileSync(file('preferences'), 'Package: *\nPin: release a=*\nPin-Priority: 500\n');
  const settings = {
    'Dir::Etc::SourceList': file('sources'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Etc::Preferences': file('preferences'),
    'Dir::Etc::PreferencesParts': '/dev/null',
    'Dir::State::Lists': file('lists'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': file('cache'),
    'APT::Architecture': 'amd64',
    'APT::Sandbox::User': 'root',
    'APT::Update::Error-Mode': 'any',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return (command, ...args) => run(command, [...options, ...args], { cwd: directory });
}

/** The packages that hold the kernel which the metapackage stands for, and its modules. */
function namesOf(apt) {
  const skip = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'];
  const all = apt(
    'apt-cache',
    ...['depends', '--recurse', ...skip.map((kind) => `--no-${kind}`)],
    'linux-image-cloud-amd64',
  );
  return [...new Set(all.match(/^linux-(image|binary|modules)-\d\S*-cloud-amd64$/gm))];
}

const packagesIn = (directory) => readdirSync(directory).filter((name) => name.endsWith('.deb'));

/** Paths of a kernel's packages, downloaded if there are newer ones. */
export function kernelPackages({ name, suites }) {
  const directory = join(cache, name);
  mkdirSync(directory, { recursive: true });
  try {
    const apt = privateApt(directory, suites);
    apt('apt-get', '-q', 'update');
    const names = namesOf(apt);
    if (names.length === 0) throw new Error(`${suites.join(', ')}: no linux-image-cloud-amd64`);
    apt('apt-get', '-q', 'download', ...names);
    for (const old of packagesIn(directory))
      if (!names.includes(old.split('_')[0])) rmSync(join(directory, old));
  } catch (error) {
    if (packagesIn(directory).length === 0) throw error;
    console.error(`vm: ${name}: what was downloaded before is used: ${error.message.trim()}`);
  }
  return packagesIn(directory).map((file) => join(directory, file));
}
