/** Playground. Starts the page: the core in its workers, and the application around it. */
import { App } from './app.js';
import { CoreClient } from './core/client.js';

const beside = (name: string): URL => new URL(name, import.meta.url);

const wasm = beside('wasbox-core.wasm');
const app = new App(
  new CoreClient(beside('worker.js'), wasm),
  new CoreClient(beside('convert.js'), wasm),
);
void app.start();
