/** The distribution protocol: GET of manifests and blobs, with what a registry wants to be shown. */
import { ImageError } from '../../errors/index.js';
import { jsonObject, textOf } from '../../image/index.js';
import { type Challenge, parseChallenge } from './challenge.js';
import { type Credentials, credentialsFor } from './credentials.js';
import { type Endpoint, isLocalhost } from './endpoint.js';
import { ConnectionError, type HttpAnswer, type HttpSettings, readAll, request } from './http.js';

export interface ClientSettings extends HttpSettings {
  readonly env: Readonly<Record<string, string | undefined>>;
}

const redirectsLimit = 5;
const tokenLimit = 1 << 20;

const refused = (message: string, hint?: string): ImageError =>
  new ImageError('ERR_REGISTRY', message, { hint });

const hostnameOf = ({ hostname }: URL): string => hostname.toLowerCase();

export class RegistryClient {
  readonly endpoint: Endpoint;
  readonly #settings: ClientSettings;
  #authorization: string | undefined;
  /** True if this server is asked without TLS. */
  #plain: boolean;
  #credentials: Promise<Credentials | undefined> | undefined;

  constructor(endpoint: Endpoint, settings: ClientSettings) {
    this.endpoint = endpoint;
    const unverified = endpoint.plain === 'insecure' ? endpoint.host : undefined;
    this.#settings = { ...settings, unverified };
    this.#plain = endpoint.plain === 'always';
  }

  /** @param path below the repository: `manifests/latest`. @throws ImageError where the answer is no 2xx or 416 */
  async get(path: string, headers: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    const { host, repository } = this.endpoint;
    const url = (): URL =>
      new URL(`${this.#plain ? 'http' : 'https'}://${host}/v2/${repository}/${path}`);
    let answer = await this.#askPlainly(url, headers);
    for (let tries = 0; answer.status === 401 && tries < 2; tries++) {
      // A server to which the registry redirects does not give the registry's challenge.
      if (answer.origin !== url().origin) break;
      answer.body.destroy();
      const challenge = parseChallenge(answer.headers['www-authenticate']);
      const authorization = await this.#authorize(challenge, url());
      if (authorization === undefined || authorization === this.#authorization) break;
      this.#authorization = authorization;
      answer = await this.#follow(url(), headers);
    }
    return this.#checked(answer);
  }

  #checked(answer: HttpAnswer): HttpAnswer {
    const { status } = answer;
    const { registry, repository } = this.endpoint;
    if ((status >= 200 && status < 300) || status === 416) return answer;
    answer.body.destroy();
    if (status === 404) {
      throw new ImageError(
        'ERR_IMAGE_NOT_FOUND',
        `${registry} has no such image of ${repository}.`,
      );
    }
    if (status === 401 || status === 403) {
      throw refused(
        `${registry} does not let you read ${repository}.`,
        `It may not exist, or you have to log in:\n  docker login ${registry}`,
      );
    }
    if (status === 429) throw refused(`${registry} allows no more requests for now.`);
    throw refused(`${registry} answered with status ${status}.`);
  }

  /** A registry on this machine need not have TLS; nor one that the user's configuration calls insecure. */
  async #askPlainly(
    url: () => URL,
    headers: Readonly<Record<string, string>>,
  ): Promise<HttpAnswer> {
    try {
      return await this.#follow(url(), headers);
    } catch (error) {
      const { plain } = this.endpoint;
      const isOther = error instanceof ConnectionError && (plain === 'insecure' || error.isPlain);
      if (this.#plain || plain === 'never' || !isOther) throw error;
      this.#plain = true;
      return this.#follow(url(), headers);
    }
  }

  /** Credentials go to the registry alone, and never from TLS to plain text. */
  async #follow(first: URL, headers: Readonly<Record<string, string>>): Promise<HttpAnswer> {
    let url = first;
    for (let count = 0; ; count++) {
      const own = url.origin === first.origin && this.#authorization !== undefined;
      const shown = own ? { ...headers, authorization: this.#authorization ?? '' } : headers;
      const answer = await request(url, shown, this.#settings);
      if (![301, 302, 303, 307, 308].includes(answer.status)) return answer;
      answer.body.destroy();
      if (count === redirectsLimit) throw refused(`${first.host} redirects in a circle.`);
      url = this.#next(url, answer.headers.location, first);
    }
  }

  #next(url: URL, location: string | undefined, first: URL): URL {
    let next: URL;
    try {
      next = new URL(location ?? '', url);
    } catch {
      throw refused(`${first.host} redirects to nowhere.`);
    }
    this.#requireTls(next, first);
    next.username = '';
    next.password = '';
    return next;
  }

  #requireTls(url: URL, first: URL): void {
    if (url.protocol === 'https:') return;
    const plainly =
      this.#plain &&
      (url.host === first.host || (isLocalhost(url.host) && isLocalhost(first.host)));
    if (url.protocol === 'http:' && plainly) return;
    throw refused(`${first.host} sends us to ${url.host} without TLS.`);
  }

  async #authorize(challenge: Challenge | undefined, url: URL): Promise<string | undefined> {
    this.#credentials ??= credentialsFor(this.endpoint, this.#settings.env);
    const credentials = await this.#credentials;
    if (challenge?.scheme === 'basic') {
      return credentials?.kind === 'password' ? basic(credentials) : undefined;
    }
    if (challenge?.scheme !== 'bearer') return undefined;
    return `Bearer ${await this.#token(challenge, credentials, url)}`;
  }

  /**
   * Returns whether a token server may see the registry's credentials. The challenge says which server that is, as
   * Docker Hub on registry-1.docker.io names auth.docker.io; so it counts for another host only if TLS proves whose
   * it is.
   */
  #mayHaveCredentials(realm: URL, registry: URL): boolean {
    if (hostnameOf(realm) === hostnameOf(registry)) return true;
    const isVerified = registry.protocol === 'https:' && this.endpoint.plain !== 'insecure';
    return isVerified && realm.protocol === 'https:';
  }

  /** Docker's token authentication; with a refresh token OAuth2's. */
  async #token(
    { parameters }: Challenge,
    credentials: Credentials | undefined,
    registry: URL,
  ): Promise<string> {
    let realm: URL;
    try {
      realm = new URL(parameters.realm ?? '');
    } catch {
      throw refused(`${registry.host} names no server for tokens.`);
    }
    this.#requireTls(realm, registry);
    realm.username = '';
    realm.password = '';
    const known = this.#mayHaveCredentials(realm, registry) ? credentials : undefined;
    const scope = `repository:${this.endpoint.repository}:pull`;
    const fields = {
      ...(parameters.service === undefined ? {} : { service: parameters.service }),
      scope,
    };
    const answer = await (known?.kind === 'token'
      ? request(
          realm,
          { 'content-type': 'application/x-www-form-urlencoded' },
          this.#settings,
          new URLSearchParams({
            ...fields,
            grant_type: 'refresh_token',
            client_id: 'wasbox',
            refresh_token: known.token,
          }).toString(),
        )
      : request(
          withQuery(realm, fields),
          known === undefined ? {} : { authorization: basic(known) },
          this.#settings,
        ));
    if (answer.status !== 200) {
      answer.body.destroy();
      throw refused(
        `${realm.host} gives no token for ${this.endpoint.repository} (status ${answer.status}).`,
        credentials !== undefined && known === undefined
          ? `Your credentials for ${registry.host} were not sent to ${realm.host}: without verified TLS its name proves nothing.`
          : `You may have to log in:\n  docker login ${this.endpoint.registry}`,
      );
    }
    const bytes = await readAll(answer, tokenLimit, () =>
      refused(`${realm.host} sends a token that is too long.`),
    );
    const found = jsonObject(bytes, 'the answer of the token server');
    const token = textOf(found.token, 'token') || textOf(found.access_token, 'access_token');
    if (!/^[\x21-\x7e]+$/.test(token)) throw refused(`${realm.host} sends no token.`);
    return token;
  }
}

function withQuery(url: URL, fields: Readonly<Record<string, string>>): URL {
  const found = new URL(url);
  for (const [name, value] of Object.entries(fields)) found.searchParams.set(name, value);
  return found;
}

const basic = ({ user, password }: Extract<Credentials, { kind: 'password' }>): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
