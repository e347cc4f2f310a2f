/** A shell in a terminal of its own (tmux): keys are typed, the screen is read. */
import { environmentOf, type Identity } from './identity.js';
import { runProgram } from './wasbox.js';

let count = 0;

/** A terminal as a person sees and uses it. */
export class Screen {
  readonly #as: Identity;
  readonly #cwd: string;
  readonly #socket: string;

  constructor(as: Identity, cwd: string) {
    count += 1;
    this.#as = as;
    this.#cwd = cwd;
    this.#socket = `${as.scratch}/tmux-${process.pid}-${count}`;
  }

  async #tmux(...args: string[]): Promise<string> {
    const run = await runProgram(['tmux', '-f', '/dev/null', '-S', this.#socket, ...args], {
      as: this.#as,
      cwd: this.#cwd,
    });
    return run.out;
  }

  /** Starts a shell with the prompt `$ `, 24 lines of 80 columns. */
  async start(): Promise<void> {
    const environment = Object.entries({ ...environmentOf(this.#as), PS1: '$ ' });
    const variables = environment.map(([name, value]) => `${name}=${value}`);
    const shell = ['env', ...variables, 'bash', '--noprofile', '--norc', '-i'];
    await this.#tmux('new-session', '-d', '-x', '80', '-y', '24', ...shell);
    await this.see(/\$$/);
  }

  /** Types text as it is. */
  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', text);
  }

  /** Presses keys by tmux's names: `Enter`, `C-c`, `Escape`. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys);
  }

  async enter(text: string): Promise<void> {
    await this.type(text);
    await this.press('Enter');
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** The screen as text, without spaces and blank lines at the ends. */
  async read(): Promise<string> {
    return (await this.#tmux('capture-pane', '-p')).replace(/\n+$/, '');
  }

  /** A property of the pane in tmux's format language. */
  async property(format: string): Promise<string> {
    return (await this.#tmux('display-message', '-p', format)).trim();
  }

  /** Waits until a property is so. */
  async become(format: string, value: string, timeoutMs = 60_000): Promise<void> {
    const end = Date.now() + timeoutMs;
    for (let now = ''; now !== value; ) {
      if (Date.now() > end) throw new Error(`${format} stays ${now}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      now = await this.property(format);
    }
  }

  /** Waits until the screen looks so, and returns it. */
  async see(what: RegExp, timeoutMs = 120_000): Promise<string> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const screen = await this.read();
      if (what.test(screen)) return screen;
      if (Date.now() > end) throw new Error(`no ${what} on the screen:\n${screen}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async close(): Promise<void> {
    await this.#tmux('kill-server');
  }
}
