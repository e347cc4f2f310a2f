/** `wasbox image`: the store of images for --image. Node does the work: the engine has no network. */
import { UsageError } from '../errors/index.js';
import { parseReference } from '../image/index.js';
import type { OptionEntry } from '../options/index.js';
import { jsonText } from '../text/index.js';
import { ago } from './ago.js';
import { columns, shortSize } from './columns.js';
import {
  type ImageStoreModule,
  imageStore,
  shortId,
  tellLayers,
  tellPassedOver,
} from './image-store.js';
import { err, out } from './terminal.js';
import { flag, parseVerb, userStore, type VerbDescription } from './verb.js';

const option = (
  name: string,
  kind: OptionEntry['kind'],
  metavar: string,
  help: string,
  more: Partial<OptionEntry> = {},
): OptionEntry => ({ ...flag(name, help), kind, metavar, ...more });

const description: VerbDescription = {
  name: 'image',
  what:
    'Images for --image. pull fetches them from a registry, import reads an OCI layout, an oci-archive or a ' +
    'docker-archive; ls lists them, inspect shows one, rm removes some, prune what no image needs.',
  usage: 'pull|ls|inspect|rm|prune|import [options] [IMAGE…]',
  options: [
    option('platform', 'text', 'OS/ARCH', 'the platform of the image, such as linux/arm64'),
    option('name', 'text', 'NAME', 'import: the name that the image gets'),
    option('max-size', 'size', 'SIZE', 'the most bytes that an image may unpack to', {
      property: 'maxBytes',
      min: 1,
      default: '32G',
    }),
    option('max-files', 'integer', 'N', 'the most files that an image may have', {
      property: 'maxFiles',
      default: '2000000',
      min: 1,
    }),
    option(
      'mirror',
      'text',
      'HOST=MIRROR',
      "pull: look at this mirror first for a registry's images",
      {
        repeatable: true,
      },
    ),
    option('plain-http', 'text', 'HOST', 'pull: ask this registry or mirror without TLS', {
      property: 'plainHttp',
      repeatable: true,
    }),
    flag('all', 'prune: remove all images'),
    flag('json', 'print JSON'),
    { ...flag('quiet', 'print no progress'), short: 'q' },
  ],
};

interface Values {
  readonly platform?: string;
  readonly name?: string;
  readonly maxBytes?: number;
  readonly maxFiles?: number;
  readonly mirror?: readonly string[];
  readonly plainHttp?: readonly string[];
  readonly all?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const wrong = (message: string): UsageError =>
  new UsageError('ERR_USAGE', message, { hint: `Usage: wasbox image ${description.usage}` });

type Store = ReturnType<typeof userStore>;

/** Options by the commands that have them; all take --json and --quiet. */
const commandOptions: Readonly<Record<string, readonly string[]>> = {
  pull: ['platform', 'maxBytes', 'maxFiles', 'mirror', 'plainHttp'],
  import: ['platform', 'name', 'maxBytes', 'maxFiles'],
  ls: [],
  inspect: ['platform'],
  rm: ['platform'],
  prune: ['all'],
};

function refuseForeign(verb: string, values: object): void {
  const known = commandOptions[verb];
  const given = Object.keys(values).filter((name) => name !== 'json' && name !== 'quiet');
  const bad = known && given.find((name) => !known.includes(name));
  if (bad === undefined) return;
  const name = description.options.find((one) => one.property === bad || one.name === bad)?.name;
  const where = Object.keys(commandOptions).filter((one) => commandOptions[one]?.includes(bad));
  throw new UsageError('ERR_USAGE', `wasbox image ${verb} has no option --${name ?? bad}`, {
    hint: `It is for: wasbox image ${where.join(', ')}`,
  });
}

async function get(
  module: ImageStoreModule,
  store: Store,
  operands: readonly string[],
  values: Values,
  imported: boolean,
): Promise<void> {
  if (operands.length === 0) throw wrong('missing the image');
  if (values.name !== undefined && operands.length > 1) {
    throw wrong('--name is for one image that is imported');
  }
  // All are read before the first of several is pulled.
  if (!imported) for (const operand of operands) parseReference(operand, '/');
  const say = values.quiet === true ? () => undefined : err;
  for (const operand of operands) {
    const ref = imported ? await module.importedReference(operand) : operand;
    const image = await module.ensureImage(ref, {
      store,
      platform: values.platform,
      name: values.name,
      pull: 'always',
      registry: {
        mirrors: values.mirror,
        plainHttp: values.plainHttp,
        onPassedOver: tellPassedOver(say),
      },
      limits: {
        ...(values.maxBytes === undefined ? {} : { bytes: values.maxBytes }),
        ...(values.maxFiles === undefined ? {} : { entries: values.maxFiles }),
      },
      onProgress: tellLayers(say),
    });
    const inspected = module.inspectImage(store, image.id);
    for (const note of notes(inspected)) say(`wasbox: ${note}\n`);
    out(columns([image.reference, shortId(image.id), shortSize(inspected.bytes)], []));
  }
}

/** Returns notes on what of the image is otherwise than its archives say. */
function notes({ unpacked }: ReturnType<ImageStoreModule['inspectImage']>): string[] {
  const sum = (count: (layer: (typeof unpacked)[number]) => number): number =>
    unpacked.reduce((total, layer) => total + count(layer), 0);
  const setId = sum(({ notes: { setId } }) => setId.count);
  const leftOut = sum(({ notes: { leftOut } }) => leftOut.count);
  const attributes = sum(({ notes: { attributes } }) => attributes.count);
  return [
    ...(setId > 0 ? [`${setId} files lost their set-user-ID or set-group-ID bits`] : []),
    ...(leftOut > 0 ? [`${leftOut} devices and entries of unknown types were left out`] : []),
    ...(attributes > 0 ? [`${attributes} files lost capabilities or other attributes`] : []),
  ];
}

function list(module: ImageStoreModule, store: Store, json: boolean): void {
  const images = module.listImages(store);
  if (json) out(`${jsonText({ schemaVersion: 1, images })}\n`);
  else if (images.length === 0) out('No images.\n');
  else {
    const rows = images.map(({ id, stored, bytes, platform, reference }) => [
      shortId(id),
      ago(stored),
      shortSize(bytes),
      platform,
      reference,
    ]);
    out(columns(['ID', 'AGE', 'SIZE', 'PLATFORM', 'IMAGE'], rows));
  }
}

async function removed(
  module: ImageStoreModule,
  store: Store,
  operands: readonly string[],
  platform: string | undefined,
): Promise<void> {
  if (operands.length === 0) throw wrong('missing the image');
  const { references, inUse } = await module.removeImages(store, operands, platform);
  for (const name of references) out(columns([`removed ${name}`], []));
  tellInUse(inUse);
}

function tellInUse(count: number): void {
  if (count === 0) return;
  const are = count === 1 ? '1 image without a name is' : `${count} images without a name are`;
  err(`wasbox: ${are} in use, so not removed yet. To remove later: wasbox image prune\n`);
}

export async function imageVerb(argv: readonly string[]): Promise<number> {
  const parsed = parseVerb(description, argv);
  if (parsed === undefined) return 0;
  const [verb, ...operands] = parsed.operands;
  const values = parsed.values as Values;
  if (verb !== undefined) refuseForeign(verb, parsed.values);
  const store = userStore();
  const module = await imageStore();
  if (verb === 'pull' || verb === 'import') {
    await get(module, store, operands, values, verb === 'import');
  } else if (verb === 'ls' && operands.length === 0) list(module, store, values.json === true);
  else if (verb === 'inspect') {
    if (operands.length === 0) throw wrong('missing the image');
    const images = operands.map((one) => module.inspectImage(store, one, values.platform));
    out(`${jsonText({ schemaVersion: 1, images })}\n`);
  } else if (verb === 'rm') await removed(module, store, operands, values.platform);
  else if (verb === 'prune' && operands.length === 0) {
    const pruned = await module.pruneImages(store, values.all === true);
    const { images, layers, leftovers } = pruned;
    out(`removed ${images} images, ${layers} layers, ${leftovers} leftovers\n`);
    tellInUse(pruned.inUse);
    if (pruned.others > 0)
      err(
        'wasbox: another version of wasbox stored images here: no layer was removed, as they may need it.\nwasbox: to remove them, too: wasbox image prune --all\n',
      );
  } else
    throw wrong(
      verb === undefined ? 'missing the command' : `wasbox image cannot do "${argv.join(' ')}"`,
    );
  return 0;
}
