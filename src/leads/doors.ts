/** Names what no sandbox has, by the words of a program that failed: a GPU, a display, Docker's daemon. */
import { shellQuote } from '../options/index.js';
import type { RunReport } from '../report/index.js';
import type { Offered } from './again.js';

interface Door {
  /** Signs in the script, its arguments or the command. */
  readonly sign: RegExp;
  readonly line: (command: string, text: string, offered: Offered) => string;
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
    line(command, text, offered) {
      const variable = headless.find(([sign]) => sign.test(text))?.[1];
      if (variable !== undefined) offered.options.push(`--env ${variable}`);
      const again =
        variable === undefined
          ? `xvfb-run -a COMMAND draws on one that nobody sees, where it is installed`
          : `To draw without one: wasbox run --env ${variable} ${shellQuote(command)}`;
      return `it names a display, and a sandbox has none: the host's would let it read what you type. ${again}`;
    },
  },
];

/** Lines for the summary of a run that failed. @param text the script's, and its arguments */
export const doorLeads = ({ command }: RunReport, text: string, offered: Offered): string[] =>
  doors.filter(({ sign }) => sign.test(text)).map(({ line }) => line(command, text, offered));
