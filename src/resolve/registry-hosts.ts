/** The registries that package managers ask by default, and the hosts that their answers lead to. */
const registries = [
  ['https://index.crates.io', 'https://static.crates.io'],
  ['https://pypi.org', 'https://files.pythonhosted.org'],
  ['https://repo.packagist.org', 'https://api.github.com', 'https://codeload.github.com'],
  ['https://proxy.golang.org', 'https://sum.golang.org'],
  ['https://rubygems.org', 'https://index.rubygems.org'],
].map((urls) => urls.map((url) => url.slice('https://'.length)));

/** Returns the host and those that it leads to; nothing for one that is no such registry's. */
export const hostsOfRegistry = (host: string): readonly string[] =>
  registries.find(([first]) => first === host) ?? [];

const [cargo = [], , composer = []] = registries;
/** The rules of `--net` for cargo's own registry, where its configuration names no other. */
export const cargoHosts = cargo.join(',');
/** The rules of `--net` for composer. */
export const composerHosts = composer.join(',');
