/** Names what no sandbox has, by the words of a program that failed: a GPU, a display, Docker's daemon. */

import type { Host } from '../host/index.js';
import { shellQuote } from '../options/index.js';
import type { SandboxSpec } from '../resolve/index.js';
import type { Offered } from './again.js';
import type { FailedRun } from './packages.js';

interface Door {
  /** Signs in the script, its arguments or the command. */
  readonly sign: RegExp;
  readonly line: (
    command: string,
    text: string,
    offered: Offered,
    spec: SandboxSpec,
    host: Host,
  ) => string | undefined;
}

/** Libraries that draw without a display, if a variable says so. */
const headless: readonly (readonly [RegExp, string])[] = [
  [/\bpygame\b/, 'SDL_VIDEODRIVER=dummy'],
  [/\b(?:PyQt[56]|PySide[26])\b/, 'QT_QPA_PLATFORM=offscreen'],
  [/\bmatplotlib\b/, 'MPLBACKEND=Agg'],
];

const doors: readonly Door[] = [
  {
    sign: /\b(?:docker|podman|docker-compose)\s+(?:run|build|compose|ps|exec|pull|images|info|version|start)\b|^\s*(?:import|from) docker\b|\/var\/run\/docker\.sock/m,
    line: () =>
      'it needs Docker, whose daemon is root on this machine: wasbox gives no way to it. To run an image: wasbox run --image IMAGE -- COMMAND',
  },
  {
    sign: /\bnvidia-smi\b|\btorch\.cuda\b|\bcuda:\d|["']cuda["']|\b(?:import|from) (?:cupy|pycuda|numba\.cuda|tensorrt|pyopencl)\b|\b(?:nvcc|rocm-smi|clinfo)\b/,
    line: () =>
      'it names a GPU, and a sandbox has none: wasbox shows no device of the machine. Let it use the processor',
  },
  {
    sign: /\b(?:import|from) (?:tkinter|Tkinter|turtle|pygame|PyQt[56]|PySide[26]|pyglet|kivy|wx|pyautogui|pynput)\b|\bplt\.show\(|\b(?:xterm|zenity|xdotool|xclip|xrandr|glxgears|notify-send)\b|\bDISPLAY\b/,
    line(command, text, offered, { env }) {
      const variable = headless.find(([sign]) => sign.test(text))?.[1];
      if (variable !== undefined && Object.hasOwn(env, variable.replace(/=.*/, '')))
        return undefined;
      if (variable !== undefined) offered.options.push(`--env ${variable}`);
      const again =
        variable === undefined
          ? `xvfb-run -a COMMAND draws on one that no user sees, where it is installed`
          : `To draw without one: wasbox run --env ${variable} ${shellQuote(command)}`;
      return `it names a display, and a sandbox has none: the host's would let it read what you type. ${again}`;
    },
  },
  {
    sign: /\bxdg-open\b|\bsensible-browser\b|\bwebbrowser\.open|\bgio open\b/,
    line: () =>
      'it opens a program of your desktop, and a sandbox reaches none. Open the file or the address yourself',
  },
  {
    sign: /\b(?:import|from) (?:curses|textual|prompt_toolkit|urwid|blessed)\b|["'](?:blessed|ink|inquirer|enquirer)["']|\b(?:whiptail|dialog|fzf|tput)\b/,
    line(_command, _text, _offered, _spec, host) {
      const isAttended = host.stream(0) === 'terminal' && host.stream(1) === 'terminal';
      return isAttended
        ? undefined
        : 'it needs a terminal, and its input or output is none. Start it from a terminal, without a pipe';
    },
  },
];

/** Lines for the summary of a run that failed. @param text the script's, and its arguments */
export const doorLeads = (
  { spec, report, offered }: FailedRun,
  text: string,
  host: Host,
): string[] =>
  doors
    .filter(({ sign }) => sign.test(text))
    .flatMap(({ line }) => line(report.command, text, offered, spec, host) ?? []);
