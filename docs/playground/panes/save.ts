/** Playground, panes. The filter and the policy as files. */
import type {
  CompiledPolicy,
  ExportedPolicy,
  ExportFormat,
  PolicyDiagnostic,
} from '../../../src/policy.js';
import { byId, download, el } from '../dom.js';
import { formatOptions } from '../format-options.js';

const fileNames: Readonly<Record<ExportFormat, string>> = {
  oci: 'seccomp.json',
  spo: 'profile.yaml',
  systemd: 'policy.conf',
  firejail: 'policy.profile',
  minijail: 'policy.minijail',
  kafel: 'policy.kafel',
  seccompiler: 'policy.json',
};

export interface SaveSources {
  readonly compiled: () => CompiledPolicy | undefined;
  readonly text: () => string;
  readonly header: () => Promise<string>;
  readonly profile: (to: ExportFormat) => Promise<ExportedPolicy>;
}

const errorsOf = (error: unknown): readonly PolicyDiagnostic[] =>
  (error as { problem?: { diagnostics?: readonly PolicyDiagnostic[] } }).problem?.diagnostics ?? [];

export class SavePane {
  readonly #sources: SaveSources;
  readonly #notes = byId('save-notes');
  readonly #profile = byId<HTMLTextAreaElement>('oci');
  readonly #to = byId<HTMLSelectElement>('export-to');

  constructor(sources: SaveSources) {
    this.#sources = sources;
    this.#on('save-bpf', async () => {
      const compiled = sources.compiled();
      if (compiled !== undefined) download(`policy.${this.#arch()}.bpf`, compiled.bpf);
    });
    this.#on('save-header', async () => download('policy.h', await sources.header()));
    this.#on('save-policy', async () => download('policy.policy', sources.text()));
    this.#to.append(...formatOptions());
    this.#to.addEventListener('change', () => this.refresh());
    this.#on('save-oci', async () => download(fileNames[this.#format], await this.#export()));
    this.#on('show-oci', async () => {
      this.#profile.value = await this.#export();
      this.#profile.hidden = false;
      byId('oci-label').hidden = false;
      this.#profile.scrollIntoView({ block: 'nearest' });
    });
  }

  /** The policy has changed, or there is no filter any more. */
  refresh(): void {
    const compiled = this.#sources.compiled();
    this.#notes.replaceChildren();
    this.#profile.hidden = true;
    byId('oci-label').hidden = true;
    for (const id of ['save-bpf', 'save-header', 'save-oci', 'show-oci'])
      byId<HTMLButtonElement>(id).disabled = compiled === undefined;
    byId('save-bpf-size').textContent =
      compiled === undefined
        ? ''
        : `${compiled.bpf.length} bytes for ${compiled.targets.join(', ')}`;
  }

  get #format(): ExportFormat {
    return this.#to.value as ExportFormat;
  }

  #arch(): string {
    return this.#sources.compiled()?.targets.join('+') ?? '';
  }

  async #export(): Promise<string> {
    const { text, diagnostics } = await this.#sources.profile(this.#format);
    this.#tell(diagnostics);
    return text;
  }

  #tell(diagnostics: readonly PolicyDiagnostic[]): void {
    const items = diagnostics.map(({ message }) => el('li', {}, message));
    this.#notes.replaceChildren(items.length === 0 ? '' : el('ul', {}, ...items));
  }

  #on(id: string, act: () => Promise<void>): void {
    byId(id).addEventListener('click', () => {
      act().catch((error) => {
        const errors = errorsOf(error);
        if (errors.length > 0) this.#tell(errors);
        else this.#notes.replaceChildren((error as Error).message);
      });
    });
  }
}
