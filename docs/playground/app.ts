/**
 * Playground. The state that the panes share: the policy, the call and the architecture, the
 * compiled filter, and when to compile it again.
 */
import type { Architecture, ImportedPolicy } from '../../src/policy.js';
import { Busy } from './busy.js';
import { Choices } from './choices.js';
import { Cancelled, type CoreClient } from './core/client.js';
import type { Shown } from './core/link.js';
import type { Compilation, Kind, Questions, Ready, Tables, Verdict } from './core/protocol.js';
import { byId, el } from './dom.js';
import { applySuggestion, PolicyEditor } from './editor/index.js';
import { examples } from './examples.js';
import { LinkKeeper } from './link-keeper.js';
import { CallForm } from './panes/call.js';
import { showFigures } from './panes/figures.js';
import { setUpImport } from './panes/import.js';
import { showProblems } from './panes/problems.js';
import { SavePane } from './panes/save.js';
import { TracePane } from './panes/trace.js';
import { VerdictPane } from './panes/verdict.js';
import { showState } from './state.js';
import { Views } from './views.js';

/** Name of the policy in the editor, as diagnostics and rules have it. */
const main = 'policy';
/** Milliseconds of quiet before a text is compiled. */
const quiet = 40;
/** Remarks of an import that are shown in full. */
const mostRemarks = 4;

export class App {
  readonly #client: CoreClient;
  /** A client for other tools' formats, which few visits need. */
  readonly #converter: CoreClient;
  readonly #busy: Busy;
  readonly #editor: PolicyEditor;
  readonly #call: CallForm;
  readonly #verdict: VerdictPane;
  readonly #trace: TracePane;
  readonly #save: SavePane;
  readonly #views: Views;
  readonly #links: LinkKeeper;
  readonly #choices: Choices;
  readonly #example = byId<HTMLSelectElement>('example');

  #ready: Ready | undefined;
  readonly #tables = new Map<Architecture, Tables>();
  #compilation: Compilation | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #compiling = false;
  /** Counts changes of what is asked. A verdict counts as current only if it answers the latest. */
  #turn = 0;
  #again = false;

  constructor(client: CoreClient, converter: CoreClient) {
    this.#client = client;
    this.#converter = converter;
    const [first] = examples;
    const go = (line: number) => this.#editor.goTo(line);
    this.#busy = new Busy(
      () => this.#cancel(),
      () => this.#compileSoon(),
    );
    this.#editor = new PolicyEditor({
      parent: byId('editor'),
      text: first.text,
      known: () => ({ ready: this.#ready, tables: this.#tables.get(this.#on) }),
      onChange: () => this.#policyChanged(),
      onLeave: () => this.#call.focus(),
    });
    this.#call = new CallForm(() => this.#callChanged());
    this.#verdict = new VerdictPane(main, go);
    this.#choices = new Choices({
      onTarget: () => this.#policyChanged(),
      onView: () => this.#viewChanged(),
    });
    this.#views = new Views({
      main,
      onGo: go,
      onPick: (name, args) => this.#pick(name, args),
      onTab: () => this.#links.changed(),
      tables: () => this.#tables.get(this.#on),
      decisionsOn: () => this.#choices.decisionsOn,
      explain: (on) => this.#ask('explain', { ...this.#policy(), on }),
    });
    this.#trace = new TracePane((log) => this.#ask('replay', { ...this.#policy(), log }));
    this.#save = new SavePane({
      compiled: () => this.#compilation?.compiled,
      text: () => this.#editor.text,
      header: () => this.#ask('header', this.#policy()),
      profile: (to) => this.#ask('export', { ...this.#policy(), to }),
    });
    this.#links = new LinkKeeper({
      shown: () => this.#shown(),
      show: (shown) => this.#restore(shown),
    });
    setUpImport(
      (input) => this.#ask('import', { ...input, arch: this.#choices.arch }),
      (policy) => this.#imported(policy),
    );
    this.#offerExamples();
    this.#call.set(first.call, first.args);
    this.#views.open('');
  }

  async start(): Promise<void> {
    await this.#links.open();
    await this.#load();
  }

  /** Architecture that calls, arguments and constants are shown for. */
  get #on(): Architecture {
    return this.#choices.on ?? this.#compilation?.compiled?.targets[0] ?? 'x86_64';
  }

  #offerExamples(): void {
    this.#example.append(
      el('option', { value: '' }, 'your own'),
      ...examples.map(({ name, title }) => el('option', { value: name }, title)),
    );
    this.#example.value = examples[0].name;
    this.#example.addEventListener('change', () => {
      const example = examples.find(({ name }) => name === this.#example.value);
      if (example === undefined) return;
      this.#choices.choose(undefined, undefined);
      this.#call.set(example.call, example.args);
      this.#editor.replace(example.text);
      this.#links.tell('');
      this.#policyChanged();
    });
  }

  #shown(): Shown {
    const { arch, on } = this.#choices;
    const { name: call, args } = this.#call;
    return { text: this.#editor.text, arch, call, args, on, pane: this.#views.current };
  }

  #restore(shown: Shown): void {
    this.#call.set(shown.call, shown.args);
    this.#choices.choose(shown.arch, shown.on);
    this.#views.open(shown.pane);
    this.#editor.replace(shown.text);
    this.#policyChanged();
  }

  #imported({ text, diagnostics }: ImportedPolicy): void {
    this.#choices.choose(undefined, undefined);
    this.#editor.replace(text);
    const remarks = diagnostics.slice(0, mostRemarks).map(({ message }) => message);
    const more = diagnostics.length - remarks.length;
    const last = more > 0 ? ` And ${more} more.` : '';
    this.#links.tell(`Imported. ${remarks.map((remark) => `${remark}.`).join(' ')}${last}`);
  }

  async #load(): Promise<void> {
    const failure = byId('failure');
    try {
      this.#ready = await this.#client.start();
    } catch (error) {
      const again = el('button', { type: 'button' }, 'Try again');
      again.addEventListener('click', () => void this.#load());
      const said = `${(error as Error).message} The playground needs it to compile policies. `;
      failure.replaceChildren(said, again);
      failure.hidden = false;
      this.#verdict.show(undefined, 'No verdict: the policy core is not loaded.');
      showState({ kind: 'failed' });
      return;
    }
    failure.hidden = true;
    const { architectures, sha256, tables } = this.#ready;
    this.#choices.setKnown(architectures);
    byId('tables').textContent = tables;
    byId('sha256').textContent = sha256 ?? 'not computed: browsers only do that on https pages';
    await this.#compile();
  }

  #policy(): { text: string; arch: Architecture | undefined } {
    return { text: this.#editor.text, arch: this.#choices.arch };
  }

  #question() {
    const { name, args } = this.#call;
    return { ...this.#policy(), call: { name, args, on: this.#choices.on } };
  }

  /** Asks the core; if that takes long, the page offers to cancel. */
  #ask<K extends Kind>(kind: K, input: Questions[K][0]): Promise<Questions[K][1]> {
    const client = kind === 'import' || kind === 'export' ? this.#converter : this.#client;
    return this.#busy.during(client.ask(kind, input));
  }

  #policyChanged(): void {
    this.#turn++;
    this.#verdict.markStale();
    this.#editor.mark(undefined);
    this.#trace.forget();
    const { text } = this.#editor;
    this.#example.value = examples.find((example) => example.text === text)?.name ?? '';
    this.#links.changed();
    this.#compileSoon();
  }

  #callChanged(): void {
    this.#turn++;
    this.#links.changed();
    this.#askAgain();
  }

  /** Asks about the call that is there now, unless a compilation is due that asks about it too. */
  #askAgain(): void {
    if (this.#ready === undefined) return;
    const due = this.#timer !== undefined || this.#compiling;
    if (!due && this.#compilation?.compiled === undefined) {
      this.#showVerdict(undefined);
      return;
    }
    this.#verdict.markStale();
    if (!due) void this.#decide();
  }

  #viewChanged(): void {
    void this.#loadTables();
    this.#views.showOther();
    this.#callChanged();
  }

  #compileSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // A compilation that still runs is about an outdated text.
      if (this.#busy.long) {
        this.#again = this.#compiling;
        this.#client.cancel();
        this.#converter.cancel();
      }
      void this.#compile();
    }, quiet);
  }

  #cancel(): void {
    this.#again = false;
    this.#client.cancel();
    this.#converter.cancel();
  }

  async #compile(): Promise<void> {
    if (this.#ready === undefined) return;
    if (this.#compiling) {
      this.#again = true;
      return;
    }
    this.#compiling = true;
    let turn: number;
    do {
      this.#again = false;
      turn = this.#turn;
      try {
        // bench/playground.mjs measures from here to the frame after the last of these marks.
        performance.mark('wasbox:ask');
        const compilation = await this.#ask('compile', this.#question());
        performance.mark('wasbox:answer');
        this.#show(compilation);
        performance.mark('wasbox:shown');
      } catch (error) {
        if (this.#again) continue;
        this.#show(undefined);
        if (error instanceof Cancelled) showState({ kind: 'cancelled' });
        else showState({ kind: 'broken', message: (error as Error).message });
      } finally {
        // The question has changed meanwhile, so this verdict answers something else.
        if (turn !== this.#turn) this.#verdict.markStale();
      }
    } while (this.#again);
    this.#compiling = false;
    if (turn !== this.#turn) this.#askAgain();
  }

  #show(compilation: Compilation | undefined): void {
    this.#compilation = compilation;
    const { compiled, diagnostics = [], verdict } = compilation ?? {};
    this.#editor.showDiagnostics(diagnostics.filter(({ file }) => file === main));
    showProblems(diagnostics, main, {
      onGo: ({ line, column }) => this.#editor.goTo(line, column),
      onApply: (diagnostic) => applySuggestion(this.#editor.view, diagnostic),
    });
    if (compilation !== undefined) showState({ kind: 'compiled', compilation });
    this.#choices.offer(compiled?.targets ?? []);
    showFigures(compiled);
    this.#save.refresh();
    this.#views.showFilter(compilation);
    this.#showVerdict(verdict);
    void this.#loadTables();
  }

  async #decide(): Promise<void> {
    const turn = this.#turn;
    try {
      const verdict = await this.#ask('decide', this.#question());
      if (turn === this.#turn) this.#showVerdict(verdict);
    } catch {
      // Cancelled: the next compilation shows its own verdict.
    }
  }

  #showVerdict(verdict: Verdict | undefined): void {
    const named = this.#call.name !== '';
    const without =
      this.#compilation?.compiled === undefined
        ? 'No verdict: the policy has no filter.'
        : 'Enter a system call to see what the policy decides.';
    this.#verdict.show(named ? verdict : undefined, without);
    const decision = named ? verdict?.decision : undefined;
    const rule = decision?.rule;
    const here = rule !== undefined && rule.file === main;
    this.#editor.mark(here ? { first: rule.line, last: rule.lastLine } : undefined);
    this.#views.showDecision(decision);
  }

  async #loadTables(): Promise<void> {
    const arch = this.#on;
    try {
      const tables = this.#tables.get(arch) ?? (await this.#ask('tables', { arch }));
      this.#tables.set(arch, tables);
      if (arch === this.#on && this.#call.setTables(tables)) this.#views.showNames();
    } catch {
      // Cancelled together with a compilation; the next one asks again.
    }
  }

  #pick(name: string, args: readonly bigint[]): void {
    const shown = args.map((value) => (value < 10n ? String(value) : `0x${value.toString(16)}`));
    this.#call.set(name, shown);
    this.#callChanged();
  }
}
